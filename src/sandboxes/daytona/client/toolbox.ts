// Requests to the daemon in a sandbox that the SDK can't make as we need them: it doesn't verify an upload, holds whole
// files and answers in memory (a log three times over), can't be aborted, and has no question about a port.
import type { Sandbox as SdkSandbox } from "@daytonaio/sdk";
import { SandboxError } from "../../../agent/sandbox.ts";
import { DaytonaFailure, readWait } from "./failure.ts";

/** Answers differ by the version that asks: from 0.167 on a log is JSON with the marks of its streams. */
const SDK_VERSION = "0.218.0";

/** An error's body is looked at so far; real ones are a few hundred characters. */
const MAX_ERROR_BYTES = 16 * 1024;

export interface ToolboxRequest {
  method?: "GET" | "POST" | "DELETE";
  path: string;
  query?: Record<string, string>;
  /** A string is JSON. */
  body?: FormData | string | ReadableStream<Uint8Array>;
  /** Of a body that doesn't say it itself. */
  type?: string;
  headers?: Record<string, string>;
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
    const exchange = new Exchange(request);
    try {
      return await read(await this.#send(sandbox, request, exchange));
    } catch (error) {
      throw exchange.explain(error);
    } finally {
      exchange.end();
    }
  }

  /** A 2xx answer whose body may take as long as it takes: whoever reads it ends it, and `signal` does no more. */
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

  /** A WebSocket, not yet accepted. Only where `fetch` can make one, as in workerd. */
  async connect(sandbox: SdkSandbox, request: ToolboxRequest, protocols: string[]): Promise<WebSocket> {
    // First what any daemon knows: 0.190 answers no subprotocol of those that came after it, and some clients take that ill.
    const offered = [`X-Daytona-SDK-Version~${SDK_VERSION}`, ...protocols];
    const headers = { Upgrade: "websocket", "Sec-WebSocket-Protocol": offered.join(", ") };
    const { webSocket } = await this.open(sandbox, { ...request, headers });
    if (!webSocket) throw new DaytonaFailure("the sandbox opened no WebSocket", { status: 500 });
    return webSocket;
  }

  async #send(sandbox: SdkSandbox, request: ToolboxRequest, exchange: Exchange): Promise<Response> {
    const base = `${sandbox.toolboxProxyUrl.replace(/\/+$/, "")}/${sandbox.id}`;
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
      // The key goes to the address that Daytona named, and nowhere else.
      redirect: "manual",
      signal: exchange.signal,
      ...(body === undefined ? {} : { body }),
      // Node wants it said that a stream is sent before the answer is read.
      ...(body instanceof ReadableStream ? { duplex: "half" } : {}),
    } as RequestInit);
    exchange.seeHead();
    if (!response.ok && !response.webSocket) throw await readRefusal(response);
    return response;
  }
}

/**
 * The bounds of one request. Not `AbortSignal.timeout` and `any`: their timers and listeners would outlast the exchange, and
 * a command makes many.
 */
class Exchange {
  readonly #request: ToolboxRequest;
  readonly #end = new AbortController();
  readonly #timer: ReturnType<typeof setTimeout>;
  readonly #headTimer: ReturnType<typeof setTimeout>;
  #isLate = false;

  constructor(request: ToolboxRequest) {
    this.#request = request;
    this.#timer = setTimeout(this.#giveUp, request.timeout_ms);
    this.#headTimer = setTimeout(this.#giveUp, request.answer_ms ?? request.timeout_ms);
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

  seeHead(): void {
    clearTimeout(this.#headTimer);
  }

  explain(error: unknown): unknown {
    if (this.#request.signal.aborted) return this.#request.signal.reason;
    if (error instanceof DaytonaFailure || error instanceof SandboxError) return error;
    if (this.#isLate) return new DaytonaFailure("no answer in time", { is_late: true });
    // Its message may quote an address; the kind of error is all that helps.
    return new DaytonaFailure(nameError(error));
  }

  end(): void {
    clearTimeout(this.#timer);
    clearTimeout(this.#headTimer);
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
  const text = await response.text().catch(() => "");
  let message = `Request failed with status code ${status}`;
  let source: string | undefined;
  let code: string | undefined;
  try {
    const body = JSON.parse(text.slice(0, MAX_ERROR_BYTES)) as Record<string, unknown>;
    if (Array.isArray(body.errors)) message = body.errors.join("; ");
    if (typeof body.message === "string") message = body.message;
    if (typeof body.source === "string") source = body.source;
    if (typeof body.code === "string") code = body.code;
  } catch {
    // The real daemon answers many refusals with an empty body, and proxies with HTML: the status says it all.
  }
  return new DaytonaFailure(message, { status, source, code, retry_after_ms: readWait(response.headers) });
}
