// `npm start` as a process of its own, beside a model of the test's.
import { makeState, startServer } from "../setup/started-server.ts";
import type { Taskloom } from "./harness.ts";

export type StartedTaskloom = Pick<Taskloom, "url" | "key" | "request" | "json" | "close">;

/** Beside a model that is somewhere, or nowhere. */
export async function startBeside(baseUrl: string, settings: Record<string, string> = {}): Promise<StartedTaskloom> {
  const { state, removeState } = await makeState();
  const server = await startServer(state, { OPENAI_API_KEY: "model-key", OPENAI_BASE_URL: baseUrl, ...settings });
  const { url, key } = server;
  const request: Taskloom["request"] = (method, path, body, headers = {}) =>
    fetch(url + path, {
      method,
      headers: { authorization: `Bearer ${key}`, "content-type": "application/json", ...headers },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    });
  return {
    url,
    key,
    request,
    json: async (method, path, body) => {
      const response = await request(method, path, body);
      if (!response.ok) throw new Error(`${method} ${path}: ${response.status} ${await response.text()}`);
      return (await response.json()) as never;
    },
    close: async () => {
      await server.stop();
      await removeState();
    },
  };
}
