// `npm start` as a process of its own, beside the test's model.
import { clientOf } from "../setup/server-client.ts";
import { makeState, startServer } from "../setup/started-server.ts";
import type { Taskloom } from "./harness.ts";

export type StartedTaskloom = Pick<Taskloom, "url" | "key" | "request" | "json" | "close">;

/** Beside a model whose address may have no server. */
export async function startBeside(baseUrl: string, settings: Record<string, string> = {}): Promise<StartedTaskloom> {
  const { state, removeState } = await makeState();
  const server = await startServer(state, { OPENAI_API_KEY: "model-key", OPENAI_BASE_URL: baseUrl, ...settings });
  const { url, key } = server;
  return {
    url,
    key,
    ...clientOf(server),
    close: async () => {
      await server.stop();
      await removeState();
    },
  };
}
