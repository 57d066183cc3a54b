// The checks of a deployed Worker, one after another. Each uses threads of its own, and throws what does not hold.
import { setTimeout as wait } from "node:timers/promises";
import { isDeepStrictEqual } from "node:util";
import type { MessageRow } from "../../src/protocol/message.ts";
import type { Run } from "../../src/protocol/run.ts";
import { openReader, readConversation } from "../e2e/stream-reader.ts";
import { pickNumber } from "./aims.ts";
import { replayFrames, type Watcher, watchThread } from "./reader.ts";
import type { Remote } from "./remote-server.ts";

export interface RemoteCheck {
  name: string;
  needsOperator?: boolean;
  /** Resolves with details worth printing when the check passes. */
  run: (remote: Remote, print: (line: string) => void) => Promise<string | null>;
}

const RUN_MS = 180_000;
const CANCEL_MS = 2_000;
const EQUAL_POSTS = 50;
const QUEUED_POSTS = 10;

export const remoteChecks: RemoteCheck[] = [
  { name: "readers that leave after random events end with the stored conversation", run: checkReaders },
  { name: "fifty equal posts are one run with one message", run: checkEqualPosts },
  { name: "ten posts at once on one thread run one after another", run: checkOrder },
  { name: "a cancelled run ends within two seconds", run: checkCancel },
  { name: "background runs complete", run: checkBackground },
  { name: "a thread goes on after nobody asked for it", run: checkIdle },
  { name: "a run goes on over a deploy", needsOperator: true, run: checkDeploy },
];

async function postRun(remote: Remote, thread: string, body: Record<string, unknown>): Promise<Run> {
  return remote.json<Run>("POST", `/v1/threads/${thread}/runs`, body);
}

function expectCompleted(run: Run): void {
  if (run.status === "completed") return;
  throw new Error(`the run ${run.invocation_id} is ${run.status}: ${JSON.stringify(run.error)}`);
}

async function expectSame(remote: Remote, watcher: Watcher, thread: string): Promise<void> {
  const { messages } = await replayFrames(watcher, thread);
  const stored = await readConversation(remote, thread);
  if (!isDeepStrictEqual(messages, stored)) {
    throw new Error(
      `${thread}: heard ${JSON.stringify(messages).slice(-400)}, stored ${JSON.stringify(stored).slice(-400)}`,
    );
  }
}

async function checkReaders(remote: Remote): Promise<string> {
  const { signal, runs } = remote;
  const watchers = await Promise.all(
    Array.from({ length: runs }, async () => {
      const thread = remote.newId("reader");
      await postRun(remote, thread, { message: remote.prompts.text(150), invocation_id: thread });
      const leaveAfter = (): number => pickNumber(Math.random, 1, 30);
      const watcher = watchThread(remote, thread, { signal, leaveAfter });
      expectCompleted(await remote.untilEnded(thread, thread, RUN_MS));
      await watcher.ended;
      await expectSame(remote, watcher, thread);
      return watcher;
    }),
  );
  const sum = (pick: (watcher: Watcher) => number): number => watchers.map(pick).reduce((one, other) => one + other, 0);
  return `${sum(({ connections }) => connections)} connections, ${sum(({ resyncs }) => resyncs)} of them resyncs`;
}

async function checkEqualPosts(remote: Remote): Promise<null> {
  const thread = remote.newId("equal");
  const body = { message: remote.prompts.text(10), invocation_id: thread };
  const runs = await Promise.all(Array.from({ length: EQUAL_POSTS }, () => postRun(remote, thread, body)));
  if (new Set(runs.map(({ invocation_id }) => invocation_id)).size !== 1) throw new Error("the posts got several runs");
  expectCompleted(await remote.untilEnded(thread, thread, RUN_MS));
  const listed = await remote.json<{ data: Run[] }>("GET", `/v1/threads/${thread}/runs`);
  const said = await remote.json<{ data: MessageRow[] }>("GET", `/v1/threads/${thread}/messages?type=user`);
  if (listed.data.length !== 1 || said.data.length !== 1) {
    throw new Error(`${listed.data.length} runs and ${said.data.length} messages are stored`);
  }
  const other = await remote.request("POST", `/v1/threads/${thread}/runs`, { ...body, message: "something else" });
  await other.body?.cancel();
  if (other.status !== 409) throw new Error(`another body under the same id is answered ${other.status}`);
  return null;
}

async function checkOrder(remote: Remote): Promise<null> {
  const thread = remote.newId("order");
  const ids = Array.from({ length: QUEUED_POSTS }, () => remote.newId("queued"));
  const message = remote.prompts.text(10);
  const accepted = await Promise.all(ids.map((invocation_id) => postRun(remote, thread, { message, invocation_id })));
  const runs = await Promise.all(
    accepted.map(({ invocation_id }) => remote.untilEnded(thread, invocation_id, RUN_MS * 2)),
  );
  runs.forEach(expectCompleted);
  const started = [...runs].sort((one, other) => timeOf(one.started_at) - timeOf(other.started_at));
  for (const [place, run] of started.entries()) {
    const next = started[place + 1];
    if (next !== undefined && timeOf(next.started_at) < timeOf(run.finished_at)) throw new Error("two runs overlap");
    if (next !== undefined && timeOf(next.created_at) < timeOf(run.created_at))
      throw new Error("a later run came first");
  }
  const path = `/v1/threads/${thread}/messages?type=user,assistant&limit=200`;
  const { data } = await remote.json<{ data: MessageRow[] }>("GET", path);
  const order = data.filter(({ type }) => type === "user").map(({ invocation_id }) => invocation_id);
  if (
    !isDeepStrictEqual(
      order,
      started.map(({ invocation_id }) => invocation_id),
    )
  ) {
    throw new Error("the messages are not in the order of their runs");
  }
  return null;
}

function timeOf(time: string | null): number {
  return time === null ? Number.NaN : Date.parse(time);
}

async function checkCancel(remote: Remote): Promise<string> {
  const thread = remote.newId("cancel");
  await postRun(remote, thread, { message: remote.prompts.text(2_000), invocation_id: thread });
  const reader = await openReader(remote, `/v1/threads/${thread}/runs/${thread}/events`);
  await reader.until(({ event }) => event.type === "TEXT_MESSAGE_CONTENT");
  const begun = performance.now();
  const run = await remote.json<Run>("POST", `/v1/threads/${thread}/runs/${thread}/cancel`);
  await reader.until(({ event }) => event.type === "RUN_FINISHED" && event.outcome.type === "cancelled");
  const ms = Math.round(performance.now() - begun);
  reader.leave();
  if (run.status !== "cancelled") throw new Error(`the cancelled run is ${run.status}`);
  if (ms > CANCEL_MS) throw new Error(`it took ${ms} ms`);
  return `${ms} ms until the reader saw the end`;
}

async function checkBackground(remote: Remote): Promise<string> {
  const threads = Array.from({ length: remote.runs }, () => remote.newId("background"));
  const message = remote.prompts.text(20);
  await Promise.all(
    threads.map((thread) => postRun(remote, thread, { message, invocation_id: thread, background: true })),
  );
  const runs = await Promise.all(threads.map((thread) => remote.untilEnded(thread, thread, RUN_MS)));
  runs.forEach(expectCompleted);
  const waits = runs.map(({ created_at, started_at }) => timeOf(started_at) - timeOf(created_at));
  return `started ${Math.min(...waits)} to ${Math.max(...waits)} ms after they were accepted`;
}

async function checkIdle(remote: Remote, print: (line: string) => void): Promise<string> {
  const { signal, idle_seconds } = remote;
  const thread = remote.newId("idle");
  const [first, second] = [remote.newId("first"), remote.newId("second")];
  await postRun(remote, thread, { message: remote.prompts.text(20), invocation_id: first });
  const before = watchThread(remote, thread, { signal });
  await before.ended;
  const { instance_id: former } = await readLife(remote, thread);
  print(`       nobody asks for ${idle_seconds} s`);
  await wait(idle_seconds * 1000, undefined, { signal });
  const last = before.frames.findLast(({ id }) => id !== null)?.id ?? null;
  await postRun(remote, thread, { message: remote.prompts.text(20), invocation_id: second });
  const after = watchThread(remote, thread, { signal, after: last });
  await after.ended;
  expectCompleted(await remote.untilEnded(thread, second, RUN_MS));
  before.frames.push(...after.frames);
  await expectSame(remote, after.resyncs > 0 ? after : before, thread);
  const { instance_id } = await readLife(remote, thread);
  return instance_id === former ? "the object had stayed in memory" : "another life of the object answered";
}

function readLife(remote: Remote, thread: string): Promise<{ instance_id: string }> {
  return remote.json("GET", `/v1/threads/${thread}/diagnostics`);
}

async function checkDeploy(remote: Remote, print: (line: string) => void): Promise<string> {
  const { signal, work_seconds } = remote;
  const thread = remote.newId("deploy");
  await postRun(remote, thread, { message: remote.prompts.work(work_seconds), invocation_id: thread });
  const watcher = watchThread(remote, thread, { signal });
  print(`       deploy now: the run works for ${work_seconds} s`);
  // A model call that a deploy interrupts is made again from its beginning.
  const run = await remote.untilEnded(thread, thread, work_seconds * 3_000);
  await watcher.ended;
  expectCompleted(run);
  if (run.attempt < 2) throw new Error("one life did it all: nothing was deployed, or the deploy came too late");
  await expectSame(remote, watcher, thread);
  return `${run.attempt} lives, ${watcher.connections} connections`;
}
