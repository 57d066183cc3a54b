// One run of the script with the client that watches it, from its request to its last check.
import { readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import type { Run } from "../../src/protocol/run.ts";
import { readConversation } from "../e2e/stream-reader.ts";
import { type ClientView, checkClientView } from "./checks.ts";
import { replayFrames, type Watcher, watchThread } from "./reader.ts";
import { COMMANDS, counterName, requestText } from "./script.ts";
import type { Server } from "./server.ts";
import type { StoredRun } from "./stored.ts";

export interface Work {
  name: string;
  watcher: Watcher;
  /** The run as the last kill left it; null before the first. */
  left: StoredRun | null;
  /** How many times the server was killed under it. */
  kills: number;
  /** Whether it must make progress before the next kill: too many lives without progress end a run by design. */
  isStuck: boolean;
  /** Whether its client's view was checked, once it is over. */
  isChecked: boolean;
}

export async function startWork(server: Server, name: string, background: boolean, signal: AbortSignal): Promise<Work> {
  const body = { message: requestText(name), message_id: `${name}-said`, invocation_id: name, background };
  // The response may be lost with a life: with the same id, a second request is the same run.
  await server.json("POST", `/v1/threads/${name}/runs`, body);
  return {
    name,
    watcher: watchThread(server.watched, name, { signal }),
    left: null,
    kills: 0,
    isStuck: false,
    isChecked: false,
  };
}

/** Waits for the end, then requests everything that a client may request. */
export async function finishWork(
  server: Server,
  work: Work,
  report: Parameters<typeof checkClientView>[2],
): Promise<void> {
  await work.watcher.ended;
  const path = `/v1/threads/${work.name}`;
  const run = await server.json<Run>("GET", `${path}/runs/${work.name}`);
  const plan = await server.json<ClientView["plan"]>("GET", `${path}/tasks`);
  const conversation = await readConversation(server, work.name);
  const heard = await replayFrames(work.watcher, work.name).catch((error: unknown) => {
    report("wrong", `the reader's events are not AG-UI's: ${error instanceof Error ? error.message : "unknown"}`);
    return null;
  });
  if (heard !== null) checkClientView({ heard, conversation, run, plan }, expectedAttempt(work.left), report);
}

/** The life after a kill resumes a running run once more, but not one that was over or had not begun. */
function expectedAttempt(left: StoredRun | null): number {
  if (left === null || left.status === "queued") return 1;
  return left.status === "running" ? left.attempt + 1 : left.attempt;
}

export interface Traces {
  /** The sandbox that the run used; null before its first command. */
  sandbox: string | null;
  /** What each command has left, by its number; null where it has left nothing. */
  counters: (string | null)[];
}

/** What the commands of a run have left in the folder of its sandbox. */
export async function readTraces(sandboxes: string, name: string): Promise<Traces> {
  for (const sandbox of await readdir(sandboxes).catch(() => [])) {
    const counters: (string | null)[] = [];
    for (let number = 1; number <= COMMANDS; number++) {
      const path = join(sandboxes, sandbox, "home", counterName(name, number));
      counters.push(await readFile(path, "utf8").catch(() => null));
    }
    if (counters.some((counter) => counter !== null)) return { sandbox, counters };
  }
  return { sandbox: null, counters: [] };
}
