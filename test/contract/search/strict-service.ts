// What a strict search service is: the rules by which the real one refuses a request, its words for each refusal, and
// the form of its answers. The pages behind `documented` say so; nothing here is made to fit our own requests.
import type { z } from "zod";
import type { SearchServiceName } from "../../../src/config/search.ts";

export interface AskedSearch {
  method: string;
  /** Without the query. */
  path: string;
  fields: URLSearchParams;
  headers: Record<string, string | undefined>;
  /** Parsed JSON; undefined without a body. */
  body: unknown;
}

export interface Refused {
  status: number;
  body: unknown;
  headers?: Record<string, string>;
}

/** A page that the service knows, with its date in the service's own form. */
export interface KnownPage {
  url: string;
  title: string;
  passage: string;
  date?: string;
}

export interface StrictService {
  name: SearchServiceName;
  documented: string[];
  method: "GET" | "POST";
  path: string;
  /** Null for a service without one. */
  readKey: ((asked: AskedSearch) => string | undefined) | null;
  /** In the order in which it checks. The key comes first. */
  missingKey: Refused | null;
  wrongKey: Refused | null;
  /** Null: it has no accounts. */
  emptyAccount: Refused | null;
  limited: Refused;
  /** Of `limited`, in ms; null if it names none. */
  limitedFor: number | null;
  /** What is wrong with the request; null if nothing is. */
  findFault(asked: AskedSearch): string | null;
  badRequest(fault: string): Refused;
  answer(pages: KnownPage[], asked: AskedSearch): unknown;
  /** Dates in forms that it has been seen to send, with the day that they mean at `NOW`. */
  dates: [date: string, day: string | null][];
}

/** When the tests of services take place. */
export const NOW = Date.UTC(2026, 10, 20, 12);

export function faultOf(schema: z.ZodType, value: unknown): string | null {
  const [issue] = schema.safeParse(value).error?.issues ?? [];
  return issue === undefined ? null : `${issue.path.join(".")}: ${issue.message}`;
}
