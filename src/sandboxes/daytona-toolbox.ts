// Requests to the daemon in a sandbox that the SDK can't make as we need them: it doesn't verify an upload, holds whole
// answers in memory (a log three times over), can't be aborted, and has no question about a port.
import type { Sandbox as SdkSandbox } from "@daytonaio/sdk";
import { SandboxError } from "../agent/sandbox.ts";
import { DaytonaFailure, readWait } from "./daytona-failure.ts";

/** Answers differ by the version that asks: from 0.167 on a log is JSON with the marks of its streams. */
const SDK_VERSION = "0.218.0";

/** An error's body is looked at so far; real ones are a few hundred characters. */
const MAX_ERROR_BYTES = 16 * 1024;

export interface ToolboxRequest {
  method?: "GET" | "POST";
  path: string;
  query?: Record<string, string>;
  body?: FormData;
  signal: AbortSignal;
  /** Until the head of the answer; `timeout_ms` if absent. */
  answer_ms?: number;
  /** For the whole exchange. */
  timeout_ms: number;
}

export class Toolbox {
  readonly #api_key: string;

  constructor(api_key: string) {
    this.#api_key = api_key;
  }

  /** What `read` makes of a 2xx answer; rejects with `DaytonaFailure` on any other, and when the way fails. */
  async ask<Value>(
    sandbox: SdkSandbox,
    request: ToolboxRequest,
    read: (response: Response) => Promise<Value>,
  ): Promise<Value> {
    const base = `${sandbox.toolboxProxyUrl.replace(/\/+$/, "")}/${sandbox.id}`;
    const query = request.query ? `?${new URLSearchParams(request.query)}` : "";
    // Not `AbortSignal.timeout` and `any`: their timers and listeners would outlast the exchange, and a command makes many.
    const end = new AbortController();
    let isLate = false;
    const giveUp = () => {
      isLate = true;
      end.abort();
    };
    const timer = setTimeout(giveUp, request.timeout_ms);
    const headTimer = setTimeout(giveUp, request.answer_ms ?? request.timeout_ms);
    const onAbort = () => end.abort();
    request.signal.addEventListener("abort", onAbort, { once: true });
    try {
      request.signal.throwIfAborted();
      const response = await fetch(`${base}${request.path}${query}`, {
        method: request.method ?? "GET",
        headers: {
          Authorization: `Bearer ${this.#api_key}`,
          "X-Daytona-Source": "sdk-typescript",
          "X-Daytona-SDK-Version": SDK_VERSION,
        },
        // The key goes to the address that Daytona named, and nowhere else.
        redirect: "manual",
        signal: end.signal,
        ...(request.body ? { body: request.body } : {}),
      });
      clearTimeout(headTimer);
      if (!response.ok) throw await readRefusal(response);
      return await read(response);
    } catch (error) {
      if (request.signal.aborted) throw request.signal.reason;
      if (error instanceof DaytonaFailure || error instanceof SandboxError) throw error;
      // Its message may quote an address; the kind of error is all that helps.
      throw new DaytonaFailure(isLate ? "no answer in time" : nameError(error));
    } finally {
      clearTimeout(timer);
      clearTimeout(headTimer);
      request.signal.removeEventListener("abort", onAbort);
    }
  }
}

function nameError(error: unknown): string {
  const cause = error instanceof Error && error.cause instanceof Error ? error.cause : error;
  const code = cause instanceof Error && "code" in cause ? String(cause.code) : "";
  return `no connection, or a broken answer${code === "" ? "" : ` (${code})`}`;
}

async function readRefusal(response: Response): Promise<DaytonaFailure> {
  const { status } = response;
  const text = await response.text().catch(() => "");
  let message = `Request failed with status code ${status}`;
  let source: string | undefined;
  try {
    const body = JSON.parse(text.slice(0, MAX_ERROR_BYTES)) as Record<string, unknown>;
    if (Array.isArray(body.errors)) message = body.errors.join("; ");
    if (typeof body.message === "string") message = body.message;
    if (typeof body.source === "string") source = body.source;
  } catch {
    // The real daemon answers many refusals with an empty body, and proxies with HTML: the status says it all.
  }
  return new DaytonaFailure(message, { status, source, retry_after_ms: readWait(response.headers) });
}
