/** How a test calls a server: with a key, in JSON. */
export interface ServerClient {
  /** A request with the key; `body` is sent as JSON. */
  request(method: string, path: string, body?: unknown, headers?: Record<string, string>): Promise<Response>;
  /** The same, with the response parsed as JSON; throws where the status is not 2xx. */
  json<T>(method: string, path: string, body?: unknown): Promise<T>;
}

/**
 * The runtime closes a connection that is idle for five seconds, and `fetch` one after four: on a busy machine it takes
 * one that is being closed.
 */
export const FRESH = { connection: "close" };

export function clientOf({ url, key }: { url: string; key: string }): ServerClient {
  const request: ServerClient["request"] = (method, path, body, headers = {}) =>
    fetch(url + path, {
      method,
      headers: { ...FRESH, authorization: `Bearer ${key}`, "content-type": "application/json", ...headers },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    });
  return {
    request,
    json: async (method, path, body) => {
      const response = await request(method, path, body);
      if (!response.ok) throw new Error(`${method} ${path}: ${response.status} ${await response.text()}`);
      return (await response.json()) as never;
    },
  };
}
