// What went wrong with a request, whoever made it: the SDK's errors and our own, brought to one shape and judged.
import { DaytonaConnectionError, DaytonaConnectionTimeoutError, DaytonaError } from "@daytonaio/sdk";
import { SandboxError } from "../../../agent/sandbox.ts";

/** Longest text of Daytona that is passed on: enough for a reason, too little for a page of HTML. */
const MAX_REASON_CHARACTERS = 300;

/** Waited for when a 429 names no time. */
const DEFAULT_RETRY_AFTER_MS = 2_000;

export class DaytonaFailure extends Error {
  /** Null when there was no answer. */
  readonly status: number | null;
  /** What newer daemons call it, e.g. `GIT_AUTH_FAILED`. */
  readonly code: string | null;
  /** The daemon in the sandbox said it, so the sandbox runs and was reached. */
  readonly is_from_daemon: boolean;
  /** The SDK's own complaint about the state of a sandbox, not an answer to a request. */
  readonly is_about_state: boolean;
  /** Our own patience ended, and not the connection. */
  readonly is_late: boolean;
  readonly retry_after_ms: number;

  constructor(
    message: string,
    facts: {
      status?: number | null;
      source?: string;
      code?: string;
      is_about_state?: boolean;
      is_late?: boolean;
      retry_after_ms?: number | null;
    } = {},
  ) {
    super(message);
    this.name = "DaytonaFailure";
    this.status = facts.status ?? null;
    this.code = facts.code ?? null;
    this.is_from_daemon = facts.source === "DAYTONA_DAEMON";
    this.is_about_state = facts.is_about_state ?? false;
    this.is_late = facts.is_late ?? false;
    this.retry_after_ms = facts.retry_after_ms ?? DEFAULT_RETRY_AFTER_MS;
  }

  /** What Daytona gave as its reason, or nothing where it gave only a status. */
  get reason(): string {
    const text = this.message.startsWith("Request failed with status code") ? "" : this.message;
    return text.replace(/\s+/g, " ").trim().slice(0, MAX_REASON_CHARACTERS);
  }

  /**
   * The request may not have reached the sandbox. Daytona's proxies answer 502 with nothing while a sandbox starts, then
   * 400 "failed to resolve container IP … Is the Sandbox started?", and 404 "No such container" for an archived one.
   */
  get is_of_the_way(): boolean {
    if (this.is_about_state) return false;
    if (/no such container|failed to resolve container|is the sandbox started/i.test(this.message)) return true;
    return !this.is_from_daemon && (this.status === null || [408, 502, 503, 504].includes(this.status));
  }

  /** It may be that there is no started sandbox, whatever the answer says and whoever says that it speaks. */
  get asks_for_a_look(): boolean {
    if (this.is_of_the_way || /sandbox .*not found/i.test(this.message)) return true;
    return !this.is_from_daemon && [400, 404, 410, 500].includes(this.status ?? 0);
  }
}

export function readFailure(error: unknown): DaytonaFailure {
  if (error instanceof DaytonaFailure) return error;
  if (!(error instanceof DaytonaError)) throw error;
  // Its own words are advice about settings of the SDK, which whoever reads them can't change.
  if (error instanceof DaytonaConnectionTimeoutError) return new DaytonaFailure("no answer in time");
  const { statusCode = null, message, source } = error;
  const is_about_state = statusCode === null && !(error instanceof DaytonaConnectionError);
  const retry_after_ms = readWait(Object.entries(error.headers ?? {}));
  return new DaytonaFailure(message, { status: statusCode, source, is_about_state, retry_after_ms });
}

/** The longest wait that is asked for. Daytona names the limit in the header's name: `Retry-After-sandbox-create`. */
export function readWait(headers: Iterable<[name: string, value: unknown]>): number | null {
  const waits = [...headers].flatMap(([name, value]) => {
    const seconds = Number(value);
    return /^retry-after/i.test(name) && Number.isFinite(seconds) && seconds >= 0 ? [seconds * 1000] : [];
  });
  return waits.length === 0 ? null : Math.max(...waits);
}

/** A failure of an answered request, for the model: `what` says what was tried. */
export function toSandboxError(failure: DaytonaFailure, what: string): SandboxError {
  const reason = failure.reason === "" ? "" : `: ${failure.reason}`;
  const tell = (code: SandboxError["code"], text: string) => new SandboxError(code, `${what}: ${text}`);
  switch (failure.status) {
    case 400:
    case 409:
    case 422:
      return tell("invalid", `the sandbox refused it${reason}`);
    case 403:
      return tell("refused", `permission denied${reason}`);
    case 404:
    case 410:
      return tell("not_found", `there is no such thing${reason}`);
    case 413:
      return tell("too_large", `it is too large${reason}`);
    default:
      return tell("failed", `the sandbox failed${failure.status ? ` (${failure.status})` : ""}${reason}`);
  }
}
