// Requests to the daemon in a sandbox that the SDK can't make as we need them: it does not verify uploads, buffers
// whole files and answers (a log three times over), can't be aborted, and has no call that asks about a port.

import { SandboxError } from "../../../agent/sandbox.ts";
import { readBoundedText } from "../../../lib/network/bounded-body.ts";
import { DaytonaFailure, readWait } from "./failure.ts";
import type { SdkSandbox } from "./sdk.ts";

/** The daemon adapts its answers to this version: since 0.167 a log is JSON with markers for its streams. */
const SDK_VERSION = "0.218.0";

/** How much of an error's body is read. Real ones have a few hundred characters. */
const MAX_ERROR_BYTES = 16 * 1024;

export interface ToolboxRequest {
  method?: "GET" | "POST" | "DELETE";
  path: string;
  query?: Record<string, string>;
  /** A string is JSON. */
  body?: FormData | string | ReadableStream<Uint8Array>;
  /** The content type of a stream. */
  type?: string;
  headers?: Record<string, string>;
  signal: AbortSignal;
  /** Until the answer's headers; `timeout_ms` by default. */
  answer_ms?: number;
  /** For the whole exchange. */
  timeout_ms: number;
}

export class Toolbox {
  readonly #api_key: string;

  constructor(api_key: string) {
    this.#api_key = api_key;
  }

  /**
   * Resolves with what `read` returns for a 2xx answer. Rejects with `DaytonaFailure` on any other answer, and on a
   * transport failure.
   */
  async ask<Value>(
    sandbox: SdkSandbox,
    request: ToolboxRequest,
    read: (response: Response) => Promise<Value>,
  ): Promise<Value> {
    const exchange = new Exchange(request);
    try {
      return await read(await this.#send(sandbox, request, exchange));
    } catch (error) {
      throw exchange.explain(error);
    } finally {
      exchange.end();
    }
  }

  /** A 2xx answer whose body may take any time: its reader ends it, and `signal` no longer has an effect. */
  async open(sandbox: SdkSandbox, request: ToolboxRequest): Promise<Response> {
    const exchange = new Exchange(request);
    try {
      return await this.#send(sandbox, request, exchange);
    } catch (error) {
      throw exchange.explain(error);
    } finally {
      exchange.end();
    }
  }

  /** A WebSocket, not yet accepted. Works only where `fetch` can open one, as in workerd. */
  async connect(sandbox: SdkSandbox, request: ToolboxRequest, protocols: string[]): Promise<WebSocket> {
    // The subprotocol that every daemon knows comes first: 0.190 selects none of the newer ones, which some clients
    // treat as an error.
    const offered = [`X-Daytona-SDK-Version~${SDK_VERSION}`, ...protocols];
    const headers = { Upgrade: "websocket", "Sec-WebSocket-Protocol": offered.join(", ") };
    const { webSocket } = await this.open(sandbox, { ...request, headers });
    if (!webSocket) throw new DaytonaFailure("the sandbox opened no WebSocket", { status: 500 });
    return webSocket;
  }

  async #send(sandbox: SdkSandbox, request: ToolboxRequest, exchange: Exchange): Promise<Response> {
    const base = `${sandbox.toolboxProxyUrl.replace(/(?<!\/)\/+$/, "")}/${sandbox.id}`;
    const query = request.query ? `?${new URLSearchParams(request.query)}` : "";
    const { body } = request;
    const type = request.type ?? (typeof body === "string" ? "application/json" : null);
    request.signal.throwIfAborted();
    const response = await fetch(`${base}${request.path}${query}`, {
      method: request.method ?? "GET",
      headers: {
        Authorization: `Bearer ${this.#api_key}`,
        "X-Daytona-Source": "sdk-typescript",
        "X-Daytona-SDK-Version": SDK_VERSION,
        ...(type === null ? {} : { "Content-Type": type }),
        ...request.headers,
      },
      // The key goes only to the address that Daytona named.
      redirect: "manual",
      signal: exchange.signal,
      ...(body === undefined ? {} : { body }),
      // Node requires `duplex` for a streamed body.
      ...(body instanceof ReadableStream ? { duplex: "half" } : {}),
    } as RequestInit);
    exchange.markAnswered();
    if (!response.ok && !response.webSocket) throw await readRefusal(response);
    return response;
  }
}

/**
 * The timeouts of one request. `AbortSignal.timeout` and `AbortSignal.any` don't fit: their timers and listeners would
 * outlast the exchange, and a command makes many.
 */
class Exchange {
  readonly #request: ToolboxRequest;
  readonly #end = new AbortController();
  readonly #timer: ReturnType<typeof setTimeout>;
  readonly #answerTimer: ReturnType<typeof setTimeout>;
  #isLate = false;

  constructor(request: ToolboxRequest) {
    this.#request = request;
    this.#timer = setTimeout(this.#giveUp, request.timeout_ms);
    this.#answerTimer = setTimeout(this.#giveUp, request.answer_ms ?? request.timeout_ms);
    request.signal.addEventListener("abort", this.#abort, { once: true });
  }

  get signal(): AbortSignal {
    return this.#end.signal;
  }

  #giveUp = (): void => {
    this.#isLate = true;
    this.#end.abort();
  };

  #abort = (): void => this.#end.abort();

  markAnswered(): void {
    clearTimeout(this.#answerTimer);
  }

  explain(error: unknown): unknown {
    if (this.#request.signal.aborted) return this.#request.signal.reason;
    if (error instanceof DaytonaFailure || error instanceof SandboxError) return error;
    if (this.#isLate) return new DaytonaFailure("no answer in time", { is_timeout: true });
    // The message may quote an address; only the kind of error helps.
    return new DaytonaFailure(nameError(error));
  }

  end(): void {
    clearTimeout(this.#timer);
    clearTimeout(this.#answerTimer);
    this.#request.signal.removeEventListener("abort", this.#abort);
  }
}

function nameError(error: unknown): string {
  const cause = error instanceof Error && error.cause instanceof Error ? error.cause : error;
  const code = cause instanceof Error && "code" in cause ? String(cause.code) : "";
  return `no connection, or a broken answer${code === "" ? "" : ` (${code})`}`;
}

async function readRefusal(response: Response): Promise<DaytonaFailure> {
  const { status } = response;
  const text = await readBoundedText(response, MAX_ERROR_BYTES).catch(() => "");
  let message = `Request failed with status code ${status}`;
  let source: string | undefined;
  try {
    const body = JSON.parse(text) as Record<string, unknown>;
    if (Array.isArray(body.errors)) message = body.errors.join("; ");
    if (typeof body.message === "string") message = body.message;
    if (typeof body.source === "string") source = body.source;
  } catch {
    // The real daemon sends many refusals with an empty body, and proxies send HTML: only the status is useful then.
  }
  return new DaytonaFailure(message, { status, source, retry_after_ms: readWait(response.headers) });
}
