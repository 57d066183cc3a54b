// Brings failed requests, made by the SDK or by us, to one shape and classifies them.
import { SandboxError } from "../../../agent/sandbox.ts";
import { loadedSdk } from "./sdk.ts";

/** The longest text from Daytona that is passed on: enough for a reason, too little for a page of HTML. */
const MAX_REASON_CHARACTERS = 300;

/** The wait after a 429 that names no time. */
const DEFAULT_RETRY_AFTER_MS = 2_000;

export class DaytonaFailure extends Error {
  /** Null if there was no answer. */
  readonly status: number | null;
  /** The daemon in the sandbox answered, so the sandbox runs and was reached. */
  readonly is_from_daemon: boolean;
  /** The SDK itself rejected the sandbox's state; this is not an answer to a request. */
  readonly is_state_error: boolean;
  /** Our own timeout ended the request, not the connection. */
  readonly is_timeout: boolean;
  readonly retry_after_ms: number;

  constructor(
    message: string,
    facts: {
      status?: number | null;
      source?: string;
      is_state_error?: boolean;
      is_timeout?: boolean;
      retry_after_ms?: number | null;
    } = {},
  ) {
    super(message);
    this.name = "DaytonaFailure";
    this.status = facts.status ?? null;
    // Older daemons don't name themselves, and a time limit of a command is no failure of the way to it.
    this.is_from_daemon = facts.source === "DAYTONA_DAEMON" || /^command execution timeout/.test(message);
    this.is_state_error = facts.is_state_error ?? false;
    this.is_timeout = facts.is_timeout ?? false;
    this.retry_after_ms = facts.retry_after_ms ?? DEFAULT_RETRY_AFTER_MS;
  }

  /** The reason that Daytona gave; empty if it sent only a status. */
  get reason(): string {
    const text = this.message.startsWith("Request failed with status code") ? "" : this.message;
    return text.replace(/\s+/g, " ").trim().slice(0, MAX_REASON_CHARACTERS);
  }

  /**
   * The request may not have reached the sandbox. Daytona's proxies answer an empty 502 while a sandbox starts, then
   * 400 "failed to resolve container IP … Is the Sandbox started?", and 404 "No such container" for an archived one.
   */
  get is_transport(): boolean {
    if (this.is_state_error) return false;
    if (this.is_passing_refusal) return true;
    if (/no such container|failed to resolve container|is the sandbox started/i.test(this.message)) return true;
    return !this.is_from_daemon && (this.status === null || [408, 502, 503, 504].includes(this.status));
  }

  /**
   * Whatever the answer says, the sandbox may not be running: its state has to be read before the failure is believed.
   */
  get needs_state_check(): boolean {
    if (this.is_transport || this.is_key_refusal || /sandbox .{0,200}not found/i.test(this.message)) return true;
    return !this.is_from_daemon && [400, 404, 410, 500].includes(this.status ?? 0);
  }

  /**
   * Something refused the API key. Daytona's proxy does that for a wrong key, for a sandbox that is deleted, and while it
   * can't ask the API: only the API's own word counts.
   */
  get is_key_refusal(): boolean {
    return this.status === 401 && !this.is_from_daemon;
  }

  /** The proxy's own words for a 401. git has a 401 too, and daemon 0.190 names no source. */
  get is_from_proxy(): boolean {
    return (
      this.is_key_refusal &&
      /^(?:authentication failed: (?:bearer|auth key)|missing authentication)/i.test(this.message)
    );
  }

  /** The proxy passes on as 400 that the API did not answer it. The sandbox was not reached. */
  get is_passing_refusal(): boolean {
    return this.status === 400 && /failed to get (?:runner info|sandbox public status)/i.test(this.message);
  }

  /** The server has no such operation: an older version, or a feature that is off. */
  get is_missing_route(): boolean {
    return this.status === 404 && /^cannot (?:get|post|put|patch|delete) \//i.test(this.message);
  }
}

export function readFailure(error: unknown): DaytonaFailure {
  if (error instanceof DaytonaFailure) return error;
  const sdk = loadedSdk();
  if (sdk === null || !(error instanceof sdk.DaytonaError)) throw error;
  // The SDK's message advises on settings of the SDK, which its reader can't change.
  if (error instanceof sdk.DaytonaConnectionTimeoutError) return new DaytonaFailure("no answer in time");
  const { statusCode = null, message, source } = error;
  const is_state_error = statusCode === null && !(error instanceof sdk.DaytonaConnectionError);
  const retry_after_ms = readWait(Object.entries(error.headers ?? {}));
  return new DaytonaFailure(message, { status: statusCode, source, is_state_error, retry_after_ms });
}

/**
 * The longest requested wait. Daytona puts the name of the limit into the header's name: `Retry-After-sandbox-create`.
 */
export function readWait(headers: Iterable<[name: string, value: unknown]>): number | null {
  const waits = [...headers].flatMap(([name, value]) => {
    const seconds = Number(value);
    return /^retry-after/i.test(name) && Number.isFinite(seconds) && seconds >= 0 ? [seconds * 1000] : [];
  });
  return waits.length === 0 ? null : Math.max(...waits);
}

/** Explains the failure of an answered request to the model. `what` names the attempt. */
export function toSandboxError(failure: DaytonaFailure, what: string): SandboxError {
  const reason = failure.reason === "" ? "" : `: ${failure.reason}`;
  const toError = (code: SandboxError["code"], text: string) => new SandboxError(code, `${what}: ${text}`);
  switch (failure.status) {
    case 400:
    case 409:
    case 422:
      return toError("invalid", `the sandbox refused it${reason}`);
    case 401:
      return toError("failed", `Daytona could not check the API key${reason}. Try again.`);
    case 403:
      return toError("refused", `permission denied${reason}`);
    case 404:
    case 410:
      return toError("not_found", `there is no such thing${reason}`);
    case 413:
      return toError("too_large", `it is too large${reason}`);
    default:
      return toError("failed", `the sandbox failed${failure.status ? ` (${failure.status})` : ""}${reason}`);
  }
}
