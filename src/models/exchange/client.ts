// The SDK's client for one server. The SDK makes a request anew each time: address, headers, its own timer and signals,
// and words for a log that is off cost more than the rest of a call. Here it makes the first request of a kind, and the
// next ones differ from it in their body and signal only. Both methods are hooks that the SDK offers for this.
//
// This file is evaluated with the SDK when a server's first request is prepared, so others import its types alone.
import OpenAI, { APIConnectionError, type ClientOptions } from "openai";

type RequestOptions = NonNullable<Parameters<OpenAI["post"]>[1]>;
type Options = Parameters<OpenAI["buildRequest"]>[0];
type Built = Awaited<ReturnType<OpenAI["buildRequest"]>>;

export class Client extends OpenAI {
  /** By the object that the request's own headers are in, and the path. */
  readonly #built = new WeakMap<object, Map<string, Built>>();
  readonly #fetch: typeof fetch;

  constructor(options: ClientOptions & { fetch: typeof fetch }) {
    super(options);
    this.#fetch = options.fetch;
  }

  /** Rejects with what the request failed with, without the SDK's error around it. */
  async send(path: string, options: RequestOptions): Promise<Response> {
    try {
      return await this.post(path, options).asResponse();
    } catch (error) {
      throw error instanceof APIConnectionError ? (error.cause ?? error) : error;
    }
  }

  override async buildRequest(options: Options, how?: { retryCount?: number }): Promise<Built> {
    const headers = options.headers as object;
    const ofHeaders = this.#built.get(headers) ?? new Map<string, Built>();
    this.#built.set(headers, ofHeaders);
    const { signal, body, ...kind } = options;
    const built = ofHeaders.get(options.path) ?? (await super.buildRequest({ ...kind, body: {} }, how));
    ofHeaders.set(options.path, built);
    // The SDK writes the method in capitals where it sets its timer.
    return { ...built, req: { ...built.req, method: "POST", body, signal } as Built["req"] };
  }

  /** The timer of the call is our own (`request-guard.ts`), and so is the signal. */
  override fetchWithTimeout(url: Parameters<typeof fetch>[0], init: RequestInit | undefined): Promise<Response> {
    return this.#fetch(url, init);
  }
}

// The SDK's User-Agent begins with the name of its class, which a bundle without names lacks (`keep_names`, wrangler.toml).
Object.defineProperty(Client, "name", { value: "OpenAI" });
