// Asks operations through Prism, and knows which of them have succeeded.
import { request as send } from "node:http";
import type { Prism } from "./prism.ts";
import { MARK, type Relay } from "./relay.ts";

export interface Asked {
  params?: Record<string, string>;
  query?: Record<string, string>;
  headers?: Record<string, string>;
  /** Sent as JSON; a text as it is. */
  body?: unknown;
  /** None for an operation that needs no key. */
  key?: string | null;
}

// Fields of any answer.
export type Body = Record<string, unknown> & { data: Record<string, unknown>[] };

export interface Answer {
  status: number;
  text: string;
  body: Body;
  location: string;
  cookies: string[];
}

export interface Walker {
  /** `POST /v1/threads/{thread_id}/runs`. The answer is what the description says, and a success. */
  ask(operation: string, asked?: Asked): Promise<Answer>;
  /** What Prism or the server refused, or what succeeded in another way. */
  wrong: string[];
  reached: Set<string>;
  /** For what a service sends: whatever came to this path was right. */
  reach(operation: string): void;
}

const success = new Set([101, 200, 201, 202, 204, 206, 302, 303]);

export function createWalker({ prism, relay, key }: { prism: Prism; relay: Relay; key: () => string }): Walker {
  let count = 0;
  const wrong: string[] = [];
  const reached = new Set<string>();

  async function ask(operation: string, asked: Asked = {}): Promise<Answer> {
    const [method = "", pattern = ""] = operation.split(" ");
    const path = pattern.replaceAll(/\{(\w+)\}/g, (_, name: string) => encodeURIComponent(asked.params?.[name] ?? ""));
    const query = new URLSearchParams(asked.query).toString();
    const mark = String(++count);
    const { body } = asked;
    const sent = body === undefined || typeof body === "string" ? body : JSON.stringify(body);
    const bearer = asked.key === undefined ? key() : asked.key;
    const headers = {
      accept: "*/*",
      ...(bearer === null ? {} : { authorization: `Bearer ${bearer}` }),
      ...(sent === undefined
        ? {}
        : { "content-type": "application/json", "content-length": String(Buffer.byteLength(sent)) }),
      ...asked.headers,
      [MARK]: mark,
    };
    const { status, text } = await exchange(`${prism.url}${path}${query && `?${query}`}`, method, headers, sent);
    const seen = relay.seen.get(mark);
    relay.seen.delete(mark);
    if (seen?.status === status && success.has(status)) reached.add(operation);
    else wrong.push(`${operation}: ${status} (the server: ${seen?.status ?? "not asked"}) ${text.slice(0, 1_500)}`);
    const answered = { status, text, body: parse(text), location: seen?.location ?? "", cookies: seen?.cookies ?? [] };
    return answered;
  }

  return { ask, wrong, reached, reach: (operation) => reached.add(operation) };
}

function parse(text: string): Body {
  try {
    return JSON.parse(text);
  } catch {
    return { data: [] };
  }
}

/** Not by `fetch`, which sets headers of a browser. */
export function exchange(
  url: string,
  method: string,
  headers: Record<string, string>,
  body?: string,
): Promise<{ status: number; text: string }> {
  return new Promise((resolve, reject) => {
    const request = send(url, { method, headers }, (response) => {
      let text = "";
      response.setEncoding("utf8").on("data", (piece: string) => {
        text += piece;
      });
      response.on("end", () => resolve({ status: response.statusCode ?? 0, text }));
      response.on("error", reject);
    });
    request.on("error", reject);
    request.end(body);
  });
}
