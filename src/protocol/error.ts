// The closed set of ways in which a request can fail, and the value that carries a failure across an RPC boundary.
// Errors lose their own properties over RPC, so an expected failure is never thrown: it is a `Result`.

/** Every `code` of a problem answer, with its status and title. */
export const problems = {
  bad_json: { status: 400, title: "The body is not valid JSON" },
  invalid_field: { status: 400, title: "A field is not valid" },
  unknown_field: { status: 400, title: "A field is not known" },
  empty_message: { status: 400, title: "The message is empty" },
  bad_cursor: { status: 400, title: "The cursor is not valid" },
  unauthorized: { status: 401, title: "A valid API key is needed" },
  forbidden: { status: 403, title: "Not allowed" },
  not_found: { status: 404, title: "Not found" },
  already_exists: { status: 409, title: "It exists already" },
  busy: { status: 409, title: "A run is active" },
  idempotency_conflict: { status: 409, title: "The same id was used with another body" },
  version_conflict: { status: 409, title: "It has changed since that version" },
  interrupt_answered: { status: 409, title: "The question has been answered" },
  body_too_large: { status: 413, title: "The body is too large" },
  invalid_operation: { status: 422, title: "The operation can't be done" },
  interrupts_uncovered: { status: 422, title: "Not every question was answered" },
  rate_limited: { status: 429, title: "Too many requests" },
  /** 409 if only deleting or an admin helps; with `retry_after_s` it is 429. */
  quota_exceeded: { status: 409, title: "A quota is used up" },
  price_unknown: { status: 422, title: "The model has no price" },
  internal: { status: 500, title: "Something went wrong here" },
  sandbox_failed: { status: 502, title: "The sandbox failed" },
  /** D1 takes nothing more. Runs and reads continue. */
  database_full: { status: 507, title: "The database is full" },
  /** The memory of this isolate is taken: it is worth another try, and `retry_after_s` says when. */
  overloaded: { status: 503, title: "The server is busy" },
  not_configured: { status: 503, title: "The server is not configured" },
} as const;

export type ProblemCode = keyof typeof problems;

export interface Failure {
  code: ProblemCode;
  /** One sentence for the person who made the request; never a secret, never a stack. */
  detail: string;
  /** Seconds until the same request may succeed, where that is known: sent as `Retry-After`. */
  retry_after_s?: number;
}

/** Time helps against a quota that says when. */
export function statusOf({ code, retry_after_s }: Failure): number {
  return code === "quota_exceeded" && retry_after_s !== undefined ? 429 : problems[code].status;
}

export type Result<T> = { ok: true; value: T } | { ok: false; error: Failure };

export function succeed<T>(value: T): Result<T> {
  return { ok: true, value };
}

export function fail(code: ProblemCode, detail: string): { ok: false; error: Failure } {
  return { ok: false, error: { code, detail } };
}
