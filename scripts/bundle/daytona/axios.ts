// What the bundle takes for `axios` ([alias] in wrangler.toml): what Daytona's SDK and its clients use of it, over `fetch`.
// They send texts and read JSON. A test sends the same requests with axios and with this, and compares what the server and
// the caller get.

interface Config {
  url: string;
  /** What an address without a host follows. The SDK sets it once it knows a sandbox's. */
  baseURL?: string;
  method?: string;
  headers?: Record<string, unknown>;
  data?: unknown;
  timeout?: number;
  signal?: AbortSignal;
  responseType?: string;
  fetchOptions?: RequestInit;
  adapter?: Adapter;
}

interface Answer {
  data: unknown;
  status: number;
  statusText: string;
  headers: Record<string, string>;
  config: Config;
  request: Request;
}

type Adapter = (config: Config) => Promise<Answer>;

export class AxiosError extends Error {
  static readonly ECONNABORTED = "ECONNABORTED";
  static readonly ERR_BAD_REQUEST = "ERR_BAD_REQUEST";
  static readonly ERR_BAD_RESPONSE = "ERR_BAD_RESPONSE";
  static readonly ERR_CANCELED = "ERR_CANCELED";
  static readonly ERR_NETWORK = "ERR_NETWORK";
  static readonly ETIMEDOUT = "ETIMEDOUT";

  readonly isAxiosError = true;
  readonly code: string | undefined;
  readonly config: Config | undefined;
  readonly request: Request | undefined;
  readonly response: Answer | undefined;
  readonly status: number | undefined;

  constructor(message?: string, code?: string, config?: Config, request?: Request, response?: Answer) {
    super(message);
    this.name = "AxiosError";
    this.code = code;
    this.config = config;
    this.request = request;
    this.response = response;
    this.status = response?.status;
  }
}

export class CanceledError extends AxiosError {
  constructor(message?: string, config?: Config, request?: Request) {
    super(message ?? "canceled", AxiosError.ERR_CANCELED, config, request);
    this.name = "CanceledError";
  }
}

/** Functions in a row, as axios' interceptors. */
class Interceptors {
  readonly #pairs: Parameters<Promise<unknown>["then"]>[] = [];

  use(...pair: Parameters<Promise<unknown>["then"]>): void {
    this.#pairs.push(pair);
  }

  apply(value: Promise<unknown>): Promise<unknown> {
    return this.#pairs.reduce((before, [onValue, onError]) => before.then(onValue, onError), value);
  }
}

function create(defaults: Partial<Config>) {
  const interceptors = { request: new Interceptors(), response: new Interceptors() };
  const request = (given: Config): Promise<unknown> => {
    const config = { ...defaults, ...given, headers: { ...given.headers } };
    const sent = interceptors.request.apply(Promise.resolve(config)) as Promise<Config>;
    return interceptors.response.apply(sent.then((config) => (config.adapter ?? sendRequest)(config)));
  };
  return { defaults, interceptors, request };
}

async function sendRequest(config: Config): Promise<Answer> {
  const { timeout, signal } = config;
  if (signal?.aborted) throw new CanceledError(undefined, config);
  const stop = new AbortController();
  const cancel = (): void => stop.abort(new CanceledError(undefined, config));
  signal?.addEventListener("abort", cancel, { once: true });
  const late = (): void =>
    stop.abort(new AxiosError(`timeout of ${timeout}ms exceeded`, AxiosError.ETIMEDOUT, config, request));
  const timer = timeout ? setTimeout(late, timeout) : undefined;
  let request: Request | undefined;
  try {
    request = new Request(completeAddress(config), {
      ...config.fetchOptions,
      ...writeRequest(config),
      signal: stop.signal,
    });
    const response = await fetch(request, config.fetchOptions);
    const text = await response.text();
    return settle(response, {
      data: config.responseType ? text : parse(text),
      status: response.status,
      statusText: response.statusText,
      headers: Object.fromEntries(response.headers),
      config,
      request,
    });
  } catch (error) {
    if (stop.signal.aborted) throw stop.signal.reason;
    if (error instanceof AxiosError) throw error;
    throw explain(error, config, request);
  } finally {
    clearTimeout(timer);
    signal?.removeEventListener("abort", cancel);
  }
}

function completeAddress({ url, baseURL }: Config): string {
  if (!baseURL || /^([a-z][a-z\d+\-.]*:)?\/\//i.test(url)) return url;
  return url === "" ? baseURL : `${baseURL.replace(/\/+$/, "")}/${url.replace(/^\/+/, "")}`;
}

function writeRequest({ method = "GET", headers: given = {}, data }: Config): RequestInit {
  const headers = new Headers({ accept: "application/json, text/plain, */*" });
  for (const [name, value] of Object.entries(given)) {
    if (value !== undefined && value !== null) headers.set(name, String(value));
  }
  const upper = method.toUpperCase();
  const isWriting = upper === "POST" || upper === "PUT" || upper === "PATCH";
  if (isWriting && !headers.has("content-type")) headers.set("content-type", "application/x-www-form-urlencoded");
  return { method: upper, headers, body: data === undefined ? null : (data as BodyInit) };
}

/** What is no JSON stays a text. */
function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return text;
  }
}

function settle({ ok, status }: Response, answer: Answer): Answer {
  if (ok) return answer;
  const code = status >= 400 && status < 500 ? AxiosError.ERR_BAD_REQUEST : AxiosError.ERR_BAD_RESPONSE;
  throw new AxiosError(`Request failed with status code ${status}`, code, answer.config, answer.request, answer);
}

function explain(error: unknown, config: Config, request: Request | undefined): AxiosError {
  const { name, message, code, cause } = error as Error & { code?: string };
  const isNetwork = name === "TypeError" && /Load failed|fetch/i.test(message);
  const explained = isNetwork
    ? new AxiosError("Network Error", AxiosError.ERR_NETWORK, config, request)
    : new AxiosError(message, code, config, request);
  if (!isNetwork) explained.name = name;
  explained.cause = isNetwork ? (cause ?? error) : error;
  return explained;
}

const axios = {
  create,
  defaults: { adapter: sendRequest },
  getAdapter: (adapter: Adapter): Adapter => adapter,
  isCancel: (value: unknown): boolean => value instanceof CanceledError,
};

// biome-ignore lint/style/noDefaultExport: axios has one
export default axios;
