// The objects of an isolate share its memory. Here sixty threads work in one process whose heap is limited as on the
// platform, and beside them are the largest things that a thread can bring: a conversation that is longer than any model
// reads, a reply at its limit, hundreds of readers that take nothing, large files. Every run ends with its text, each
// token once. With SHOW_TIMES=1 the figures are printed.
import { once } from "node:events";
import { mkdtemp, rm } from "node:fs/promises";
import { get, type IncomingMessage } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, it } from "vitest";
import type { ThreadEvent } from "../../src/protocol/event.ts";
import { replyOf } from "./memory/model.ts";
import { type MemoryStage, openMemoryStage } from "./memory/stage.ts";
import { isResync, openReader, readConversation } from "./stream-reader.ts";

/** Of old objects; with what is young and outside of the heap this is some 128 MB. */
const HEAP_MIB = Number(process.env.HEAP_MIB ?? 96);
/** What buffers outside of the heap may hold at most, with those that are not collected yet. V8 does not limit them. */
const OUTSIDE_MIB = 96;

let folder = "";
let stage: MemoryStage;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "taskloom-memory-"));
  stage = await openMemoryStage(folder, HEAP_MIB);
});
afterAll(async () => {
  await stage?.close();
  await rm(folder, { recursive: true, force: true });
});

const pathOf = (thread: string, run: string) => `/v1/threads/${thread}/runs/${run}/events`;

async function start(thread: string, run: string, message: string): Promise<void> {
  await stage.json("POST", `/v1/threads/${thread}/runs`, { message, invocation_id: run });
}

/** Reads a run to its end, and comes back where its stream is cut. Returns its terminal event and its deltas. */
async function follow(thread: string, run: string): Promise<{ end: ThreadEvent | undefined; text: string | null }> {
  let after: number | null = null;
  let text: string | null = "";
  for (;;) {
    const reader = await openReader(stage, pathOf(thread, run), { after });
    const how = await reader.ended;
    if (isResync(reader.frames)) text = null;
    for (const { event } of reader.frames) {
      if (event.type === "TEXT_MESSAGE_CONTENT" && text !== null) text += event.delta;
    }
    const end = reader.frames.at(-1)?.event;
    if (how === "closed" && (end?.type === "RUN_FINISHED" || end?.type === "RUN_ERROR")) return { end, text };
    after = reader.lastId || after;
  }
}

async function finish(thread: string, run: string, said: string): Promise<void> {
  const { end, text } = await follow(thread, run);
  expect(end?.type, JSON.stringify(end)).toBe("RUN_FINISHED");
  // A reader that was cut may get the rest as a snapshot: then the stored conversation says it.
  if (text !== null) expect(text === said).toBe(true);
  const last = (await readConversation(stage, thread)).at(-1) as { content?: string };
  expect(last.content === said).toBe(true);
}

/** It asks for the stream and takes nothing of it. Returns how to leave. */
async function openStuckReader(path: string): Promise<() => void> {
  const headers = { authorization: `Bearer ${stage.key}`, accept: "text/event-stream" };
  const asked = get({ socketPath: stage.unix_socket, path, headers, agent: false });
  asked.on("error", () => {});
  const [response] = (await once(asked, "response")) as [IncomingMessage];
  response.on("error", () => {});
  expect(response.statusCode).toBe(200);
  return () => response.destroy();
}

function show(line: string): void {
  if (process.env.SHOW_TIMES !== undefined) console.log(line);
}

/** Sixty threads that reply of a hundred thousand characters each, each with readers that keep up and two that take nothing. */
async function crowd(): Promise<void> {
  const threads = Array.from({ length: 60 }, (_, index) => `thread-small-${index}`);
  const leave: (() => void)[] = [];
  const runs: Promise<void>[] = [];
  for (const thread of threads) {
    await start(thread, "run", "@say:100:1000:20@");
    runs.push(finish(thread, "run", replyOf(100, 1000)));
    for (let each = 0; each < 2; each++) leave.push(await openStuckReader(pathOf(thread, "run")));
  }
  await Promise.all(runs);
  for (const each of leave) each();
}

/** A conversation of twelve long messages in Chinese, then the longest reply, before five hundred readers. */
async function largest(): Promise<void> {
  for (let index = 0; index < 12; index++) {
    const message = `${"这是一段很长的中文文本，里面没有重复的意思。".repeat(14_500)} @say:1:16:0@`;
    await start("thread-largest", `run-${index}`, message);
    await finish("thread-largest", `run-${index}`, replyOf(1, 16));
  }
  show(`the longest request: ${(stage.model.longest / 1e6).toFixed(1)} MB; ${JSON.stringify(stage.memory())}`);
  const count = 20_000;
  await start("thread-largest", "long-reply", `@say:${count}:100:0@`);
  const readers = Array.from({ length: 498 }, () => openStuckReader(pathOf("thread-largest", "long-reply")));
  const leave = await Promise.all(readers);
  await finish("thread-largest", "long-reply", replyOf(count, 100));
  for (const each of leave) each();
}

/** Threads of one project that read the same file of 9 MB at the same time. */
async function files(): Promise<void> {
  const { project_id } = await stage.json<{ project_id: string }>("POST", "/v1/projects", { name: "large files" });
  const content = "每一行都有一些中文文字，一共有很多行。\n".repeat(160_000);
  const path = `/v1/projects/${project_id}/sandbox/files/content?path=large.txt`;
  const put = await fetch(stage.url + path, {
    method: "PUT",
    headers: { authorization: `Bearer ${stage.key}`, "content-type": "text/plain" },
    body: content,
  });
  expect(put.status, await put.text()).toBeLessThan(300);
  const threads = Array.from({ length: 10 }, (_, index) => `thread-files-${index}`);
  await Promise.all(threads.map((thread) => stage.json("POST", "/v1/threads", { thread_id: thread, project_id })));
  await Promise.all(
    threads.map(async (thread) => {
      await start(thread, "run", "@read:large.txt@ @say:10:16:0@");
      await finish(thread, "run", replyOf(10, 16));
    }),
  );
}

it("holds sixty threads beside the largest one, and ends each run with its text", async () => {
  const began = performance.now();
  const named = (name: string, work: Promise<void>) =>
    work.then(() =>
      show(`${name}: ${Math.round((performance.now() - began) / 1000)} s, ${JSON.stringify(stage.memory())}`),
    );
  await Promise.all([named("crowd", crowd()), named("largest", largest()), named("files", files())]);
  const { heap, outside, both, process } = stage.memory();
  show(`at most ${heap} MiB in the heap, ${outside} MiB of buffers outside, ${both} at one moment; process ${process}`);
  expect(outside).toBeLessThan(OUTSIDE_MIB);
}, 180_000);
