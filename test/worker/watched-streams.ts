// Streams of a run that continues for long, and the keys that open them.
import { env } from "cloudflare:test";
import { newId } from "../../src/protocol/ids.ts";
import { createApiKey } from "../../src/store/api-keys.ts";
import { type ThreadClient, threadClient } from "./thread-client.ts";

export const PROMISED_MS = 15_000;
export const run = { invocation_id: "inv_a" };

export async function addKey(user_id: string, expires_at: number | null = null): Promise<string> {
  const key_id = newId("key");
  await createApiKey(env.DB, user_id, {
    key_id,
    name: null,
    hash: "",
    kind: "key",
    created_at: new Date().toISOString(),
    made_by: null,
    scopes: null,
    expires_at: expires_at === null ? null : new Date(expires_at).toISOString(),
  });
  return key_id;
}

/** How a stream ends, and its text. A stream that is still open when the test is over is left. */
export function follow(response: Response) {
  const reader = response.body?.pipeThrough(new TextDecoderStream()).getReader();
  const seen = { text: "", ended: "open" as "open" | "closed" | "cut" };
  const read = async (): Promise<number> => {
    try {
      for (;;) {
        const chunk = await reader?.read();
        if (chunk === undefined || chunk.done) break;
        seen.text += chunk.value;
      }
      seen.ended = "closed";
    } catch {
      seen.ended = "cut";
    }
    return Date.now();
  };
  return { seen, ended: read(), leave: () => reader?.cancel() };
}

/** Without a key, as a Worker of the former version asks. */
export const watch = async (client: ThreadClient, key_id?: string, key_age = 0) =>
  follow(await client.events({ ...run, ...(key_id === undefined ? {} : { key_id, key_age }) }));

/** A client of a thread whose run continues for long and says nothing. */
export async function stalled(): Promise<ThreadClient> {
  const client = threadClient();
  await client.stub.accept(client.input("[[stall after 1]] [[say 2]]", run));
  return client;
}
