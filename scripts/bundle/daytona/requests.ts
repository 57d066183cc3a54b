// Daytona's generated clients have four functions for each of 200 requests: 400 KiB of code that each start of an isolate
// would parse. Here a request is one line: method, path, what its arguments after those in the path are, and what it
// accepts, if that is not JSON. `?name` is a part of the query, `body` the body, `org` the organization, which a key names
// by itself. A test compares what is sent with the whole clients (scripts/bundle/packages.test.ts).

interface Configuration {
  basePath?: string;
  baseOptions?: { headers?: Record<string, string> };
}

interface Axios {
  defaults: { baseURL?: string };
  request(options: object): Promise<unknown>;
}

type Api<Name extends string> = new (
  configuration: Configuration,
  basePath: string,
  axios: Axios,
) => Record<Name, (...given: unknown[]) => Promise<unknown>>;

/** Makes a client with a method for each request. Methods take the options of the request last. */
export function createApi<Name extends string>(requests: Record<Name, string>): Api<Name> {
  class RequestApi {
    readonly configuration: Configuration;
    readonly basePath: string;
    readonly axios: Axios;

    constructor(configuration: Configuration, basePath: string, axios: Axios) {
      this.configuration = configuration;
      this.basePath = basePath;
      this.axios = axios;
    }
  }
  for (const [name, line] of Object.entries<string>(requests)) {
    Object.defineProperty(RequestApi.prototype, name, {
      value(this: RequestApi, ...given: unknown[]) {
        return send(this, line, given);
      },
    });
  }
  return RequestApi as unknown as Api<Name>;
}

/** Without a host, only the path and the query of an address are kept. */
const ANY_HOST = "https://example.com";

async function send(
  { configuration, basePath, axios }: { configuration: Configuration; basePath: string; axios: Axios },
  line: string,
  given: unknown[],
): Promise<unknown> {
  const [method, path = "", ...parameters] = line.split(" ");
  let index = 0;
  const url = new URL(
    path.replace(/\{\w+\}/g, () => encodeURIComponent(String(given[index++]))),
    ANY_HOST,
  );
  const headers: Record<string, string> = { Accept: "application/json" };
  let data: string | undefined;
  for (const parameter of parameters) {
    if (parameter === "any") headers.Accept = "*/*";
    else if (parameter === "none") delete headers.Accept;
    else {
      const value = given[index++];
      if (parameter === "body") {
        headers["Content-Type"] = "application/json";
        data = JSON.stringify(value ?? {});
      } else if (parameter.startsWith("?")) {
        if (value !== undefined && value !== null) url.searchParams.set(parameter.slice(1), String(value));
      } else if (value !== undefined && value !== null) headers["X-Daytona-Organization-ID"] = String(value);
    }
  }
  const options = (given[index] ?? {}) as { headers?: Record<string, string> };
  const { baseOptions } = configuration;
  const base = axios.defaults.baseURL ? "" : (configuration.basePath ?? basePath);
  return axios.request({
    method,
    ...baseOptions,
    ...options,
    headers: { ...headers, ...baseOptions?.headers, ...options.headers },
    ...(data === undefined ? {} : { data }),
    url: `${base}${url.pathname}${url.search}`,
  });
}
