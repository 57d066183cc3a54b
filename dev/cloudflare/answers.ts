// The envelope of Cloudflare's API v4, and what a route gets and answers.
import { STATUS_CODES } from "node:http";
import type { Account } from "./account.ts";
import { ApiError } from "./api-error.ts";

export interface Exchange {
  account: Account;
  method: string;
  /** What the pattern of the route matched. */
  params: Record<string, string>;
  query: URLSearchParams;
  headers: Headers;
  body: Buffer;
}

/** Its result; `page` where it is a part of a list. */
export type Handler = (exchange: Exchange) => Answer | Promise<Answer>;

export interface Answer {
  result: unknown;
  info?: { page: number; per_page: number; count: number; total_count: number };
}

export function answer(result: unknown): Answer {
  return { result };
}

/** Pages as the API counts them, from 1. */
export function answerPage(list: unknown[], query: URLSearchParams, usual: number): Answer {
  const page = Math.max(1, Number(query.get("page") ?? 1) || 1);
  const per_page = Math.min(1000, Math.max(1, Number(query.get("per_page") ?? usual) || usual));
  const part = list.slice((page - 1) * per_page, page * per_page);
  return { result: part, info: { page, per_page, count: part.length, total_count: list.length } };
}

export function readJson(body: Buffer): Record<string, unknown> {
  try {
    const value: unknown = JSON.parse(body.toString("utf8"));
    if (typeof value === "object" && value !== null) return value as Record<string, unknown>;
  } catch {
    // Refused below.
  }
  throw new ApiError(400, 10_001, "Unable to authenticate request body: it is no JSON");
}

export function envelope({ result, info }: Answer): string {
  return JSON.stringify({
    ...{ success: true, errors: [], messages: [], result },
    ...(info === undefined ? {} : { result_info: info }),
  });
}

export function refusal(error: ApiError): string {
  const message = error.message || STATUS_CODES[error.status];
  return JSON.stringify({ success: false, errors: [{ code: error.code, message }], messages: [], result: null });
}
