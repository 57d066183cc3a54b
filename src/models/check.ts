// Whether a model's server answers and takes its key: it is asked for its models, which costs nothing.
import type { ModelServer } from "../config/model-servers.ts";
import { readAddress } from "./exchange/address.ts";
import { headersFor } from "./model-list.ts";

export interface ServerCheck {
  /** Its name in MODEL_SERVERS, or `default`. */
  name: string;
  server: ModelServer;
}

/** What is wrong, without a word of the server's; null if nothing is. Never rejects. */
export async function checkServer({ server }: ServerCheck, signal: AbortSignal): Promise<string | null> {
  const { base_url, query } = readAddress(server.base_url);
  const found = await ask(`${base_url}/models`, query, { headers: headersFor(server), redirect: "manual", signal });
  if (found === null) return signal.aborted ? "The model's server gave no answer in time." : UNREACHABLE;
  const { status, type } = found;
  if (status === 401 || status === 403) return `The model's server refused the key (status ${status}).`;
  if (status >= 500) return `The model's server answers and fails (status ${status}).`;
  if (status >= 300 && status < 400) return `The model's server sends requests elsewhere (status ${status}).`;
  // A sign-in, a proxy's or a hosting's page. Its list would be JSON.
  if (status === 200 && /^text\/html\b/i.test(type)) return "A web page answers in place of the model's server.";
  // Some servers have no list (404, 405), and one that asks to wait (429) is there.
  return null;
}

const UNREACHABLE = "The model's server can't be reached.";

interface Answer {
  status: number;
  type: string;
}

async function ask(address: string, query: Record<string, string>, init: RequestInit): Promise<Answer | null> {
  try {
    const url = new URL(address);
    for (const [name, value] of Object.entries(query)) url.searchParams.set(name, value);
    const response = await fetch(url, init);
    await response.body?.cancel();
    return { status: response.status, type: response.headers.get("content-type") ?? "" };
  } catch {
    return null;
  }
}
