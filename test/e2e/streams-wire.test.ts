// Event streams on the wire: where they begin and end, and how they serve readers that are early, late, slow or
// confused.
import { once } from "node:events";
import { get, type IncomingMessage } from "node:http";
import { isDeepStrictEqual } from "node:util";
import { verifyEvents } from "@ag-ui/client";
import type { BaseEvent } from "@ag-ui/core";
import { from, lastValueFrom, toArray } from "rxjs";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { ThreadEvent } from "../../src/protocol/event.ts";
import { parseFrames } from "../fakes/conversation.ts";
import { type StreamFrame, startTaskloom, type Taskloom } from "./harness.ts";
import { type PuppetModel, startPuppetModel } from "./puppet-model.ts";
import {
  checkFrames,
  isResync,
  openReader,
  readAsClient,
  readConversation,
  resume,
  type StreamReader,
} from "./stream-reader.ts";

let taskloom: Taskloom;
let model: PuppetModel;

beforeAll(async () => {
  model = await startPuppetModel();
  taskloom = await startTaskloom({ OPENAI_BASE_URL: model.baseUrl });
});
afterAll(async () => {
  await taskloom.close();
  await model.close();
});

function start(thread: string, run: string, more: Record<string, unknown> = {}): Promise<unknown> {
  return taskloom.json("POST", `/v1/threads/${thread}/runs`, { message: "hello", invocation_id: run, ...more });
}

/** A complete run with one text. */
async function finish(thread: string, run: string, text = "hi"): Promise<void> {
  await start(thread, run);
  const call = await model.next();
  call.text(text);
  call.finish();
  const reader = await openReader(taskloom, `/v1/threads/${thread}/runs/${run}/events`);
  await reader.ended;
}

function types(reader: StreamReader): string[] {
  return reader.frames.map(({ event }) => event.type);
}

async function verify(events: ThreadEvent[]): Promise<void> {
  const observed = from(events as unknown as BaseEvent[]);
  await lastValueFrom(observed.pipe(verifyEvents(false), toArray()));
}

describe("a stream", () => {
  it("begins with retry, is text/event-stream, and pings while nothing happens", async () => {
    await start("thread-head", "inv-head");
    const call = await model.next();
    const reader = await openReader(taskloom, "/v1/threads/thread-head/runs/inv-head/events");
    expect(reader.response.headers.get("content-type")).toMatch(/^text\/event-stream/);
    expect(reader.response.headers.get("cache-control")).toContain("no-transform");
    expect(reader.response.headers.get("x-request-id")).toMatch(/\S/);
    await reader.untilText((text) => text.includes(": ping\n"));
    expect(reader.text.startsWith("retry: 1000\n")).toBe(true);
    expect(reader.text.match(/retry:/g)).toHaveLength(1);
    call.text("hi");
    call.finish();
    expect(await reader.ended).toBe("closed");
    checkFrames(reader.frames);
  });

  it("is not found where there is no thread or no run", async () => {
    await finish("thread-known", "inv-known");
    for (const path of [
      "thread-unknown/events",
      "thread-unknown/runs/inv-known/events",
      "thread-known/runs/x/events",
    ]) {
      const answer = await taskloom.request("GET", `/v1/threads/${path}`);
      expect([answer.status, await answer.json()]).toEqual([404, expect.objectContaining({ code: "not_found" })]);
    }
    const { data } = await taskloom.json<{ data: { thread_id: string }[] }>("GET", "/v1/threads?limit=200");
    expect(data.map(({ thread_id }) => thread_id)).not.toContain("thread-unknown");
  });

  it("refuses a position that is no integer, and answers one above the newest with a resync", async () => {
    await finish("thread-position", "inv-position");
    const paths = ["/v1/threads/thread-position/events", "/v1/threads/thread-position/runs/inv-position/events"];
    for (const path of paths) {
      for (const position of ["x", "1.5", "-1", "0x10", "1e3", "1 2", "١", "NaN"]) {
        const byQuery = await taskloom.request("GET", `${path}?after=${encodeURIComponent(position)}`);
        expect([position, byQuery.status, await byQuery.json()]).toEqual([
          position,
          400,
          expect.objectContaining({ code: "bad_cursor" }),
        ]);
        if (!/^[ -~]*$/.test(position)) continue;
        const byHeader = await taskloom.request("GET", path, undefined, { "last-event-id": position });
        expect([position, byHeader.status]).toEqual([position, 400]);
        await byHeader.body?.cancel();
      }
      for (const position of ["1000000", "9007199254740993", "9".repeat(90)]) {
        const reader = await openReader(taskloom, `${path}?after=${position}`);
        const last = await reader.until(({ id }) => id !== null);
        expect(isResync(reader.frames)).toBe(true);
        expect(reader.frames.filter(({ id }) => id !== null)).toEqual([last]);
        checkFrames(reader.frames);
        reader.leave();
      }
    }
  });

  it("of a queued run waits too, then has the run from its start", async () => {
    await start("thread-queue", "inv-1");
    const first = await model.next();
    await start("thread-queue", "inv-2");
    const waiting = await openReader(taskloom, "/v1/threads/thread-queue/runs/inv-2/events");
    await waiting.untilText((text) => text === "retry: 1000\n");
    first.text("one");
    first.finish();
    const second = await model.next();
    second.text("two");
    second.finish();
    expect(await waiting.ended).toBe("closed");
    expect(types(waiting)).toEqual([
      "RUN_STARTED",
      "STATE_SNAPSHOT",
      "TEXT_MESSAGE_START",
      "TEXT_MESSAGE_CONTENT",
      // What the run has used so far.
      "CUSTOM",
      "TEXT_MESSAGE_END",
      "RUN_FINISHED",
    ]);
    const [started] = waiting.frames.map(({ event }) => event);
    expect(started).toMatchObject({ runId: "inv-2", input: { messages: [{ role: "user", content: "hello" }] } });
    expect(started).not.toMatchObject({ input: { messages: [{}, {}] } });
  });

  it("of a run cancelled in the queue reports that, and the thread's stream has nothing of it", async () => {
    await start("thread-cancelled", "inv-1");
    const first = await model.next();
    await start("thread-cancelled", "inv-2");
    const path = "/v1/threads/thread-cancelled/runs/inv-2/events";
    const waiting = await openReader(taskloom, path);
    await taskloom.json("POST", "/v1/threads/thread-cancelled/runs/inv-2/cancel");
    expect(await waiting.ended).toBe("closed");
    const late = await openReader(taskloom, path, { after: 3 });
    expect(await late.ended).toBe("closed");
    for (const reader of [waiting, late]) {
      expect(types(reader)).toEqual(["RUN_STARTED", "STATE_SNAPSHOT", "RUN_FINISHED"]);
      expect(reader.frames.at(-1)?.event).toMatchObject({ runId: "inv-2", outcome: { type: "cancelled" } });
      await verify(reader.frames.map(({ event }) => event));
    }
    first.text("one");
    first.finish();
    const thread = await openReader(taskloom, "/v1/threads/thread-cancelled/events");
    await thread.until(({ event }) => event.type === "RUN_FINISHED");
    expect(JSON.stringify(thread.frames)).not.toContain("inv-2");
    thread.leave();
  });

  it("continues when the client that started the run leaves, and so does the run", async () => {
    const path = "/v1/threads/thread-left/runs";
    const starter = await openReader(taskloom, path, {
      method: "POST",
      body: { message: "hello", invocation_id: "inv-left" },
    });
    const call = await model.next();
    await starter.until(({ event }) => event.type === "STATE_SNAPSHOT");
    starter.leave();
    call.text("alone");
    call.finish();
    const reader = await openReader(taskloom, `${path}/inv-left/events`, { after: starter.lastId });
    expect(await reader.ended).toBe("closed");
    expect(reader.frames.at(-1)?.event).toMatchObject({ result: { text: "alone" } });
  });
});

describe("the thread's stream", () => {
  it("is answered and closed at once where nothing is new", async () => {
    await finish("thread-quiet", "inv-quiet");
    const reader = await openReader(taskloom, "/v1/threads/thread-quiet/events");
    await reader.until(({ event }) => event.type === "RUN_FINISHED");
    reader.leave();
    const again = await openReader(taskloom, "/v1/threads/thread-quiet/events", { after: reader.lastId });
    expect(await again.ended).toBe("closed");
    expect(again.text).toBe("retry: 20000\n");
  });

  it("of an ended run is 204 for whoever has its last event or a later one, so that EventSource does not reconnect", async () => {
    await finish("thread-over", "inv-1");
    await finish("thread-over", "inv-2");
    const ask = (run: string, last: number) =>
      taskloom.request("GET", `/v1/threads/thread-over/runs/${run}/events`, undefined, {
        "last-event-id": String(last),
      });
    const [first, second] = await Promise.all(
      ["inv-1", "inv-2"].map(async (run) => {
        const reader = await openReader(taskloom, `/v1/threads/thread-over/runs/${run}/events`);
        await reader.ended;
        return reader;
      }),
    );
    if (first === undefined || second === undefined) throw new Error("two were opened");
    for (const [run, last] of [
      ["inv-1", first.lastId],
      ["inv-1", first.lastId + 1],
      ["inv-1", second.lastId],
      ["inv-2", second.lastId],
    ] as const) {
      const answer = await ask(run, last);
      expect([run, last, answer.status, await answer.text()]).toEqual([run, last, 204, ""]);
    }
    const lastButOne = first.frames.at(-2)?.id ?? 0;
    const rest = await openReader(taskloom, "/v1/threads/thread-over/runs/inv-1/events", { after: lastButOne });
    expect(await rest.ended).toBe("closed");
    expect(rest.frames).toEqual(first.frames.slice(-1));
  });

  it("carries runs in sequence to a reader that came before them, and to one that reconnects later", async () => {
    await taskloom.json("POST", "/v1/threads", { thread_id: "thread-long" });
    const path = "/v1/threads/thread-long/events";
    const early = await openReader(taskloom, path);
    await finish("thread-long", "inv-1", "one");
    const { id } = await early.until(({ event }) => event.type === "RUN_FINISHED");
    await start("thread-long", "inv-2");
    const later = await openReader(taskloom, path, { after: id });
    const call = await model.next();
    call.text("two");
    call.finish();
    for (const reader of [early, later]) {
      await reader.until(({ event }) => event.type === "RUN_FINISHED" && event.runId === "inv-2");
      checkFrames(reader.frames);
      await verify(reader.frames.map(({ event }) => event));
      reader.leave();
    }
    const { messages } = await readAsClient(early.frames.map(({ event }) => event));
    expect(messages).toEqual(await readConversation(taskloom, "thread-long"));
  });
});

describe("a resync", () => {
  it("of a working run reopens what is open, passes the verifier and continues live", async () => {
    await finish("thread-resync", "inv-0", "before");
    await start("thread-resync", "inv-1");
    const first = await model.next();
    first.call(0, "call-plan", "create_tasks", '{"sections":[{"title":"A","tasks":["one","two"]}]}');
    first.finish("tool_calls");
    const second = await model.next();
    second.call(0, "call-list", "list_files", "{}");
    second.finish("tool_calls");
    const third = await model.next();
    third.think("done thinking");
    third.text("half a ");
    third.call(0, "call-open", "create_file", '{"path":"a.txt",');
    const watcher = await openReader(taskloom, "/v1/threads/thread-resync/runs/inv-1/events");
    await watcher.until(({ event }) => event.type === "TOOL_CALL_ARGS" && event.delta.includes("a.txt"));
    const readers = await Promise.all(
      ["/v1/threads/thread-resync/events", "/v1/threads/thread-resync/runs/inv-1/events"].map((path) =>
        openReader(taskloom, path, { after: 10_000_000 }),
      ),
    );
    for (const reader of readers) {
      await reader.until(({ id }) => id !== null);
      expect(types(reader)).toEqual([
        "RUN_STARTED",
        "MESSAGES_SNAPSHOT",
        "STATE_SNAPSHOT",
        "STEP_STARTED",
        "TOOL_CALL_START",
        "TOOL_CALL_ARGS",
      ]);
      const snapshot = JSON.stringify(reader.frames[1]);
      expect(snapshot).toContain("before");
      expect(snapshot).toContain("half a ");
      expect(snapshot).toContain("done thinking");
      expect(snapshot).not.toContain("a.txt");
    }
    third.args(0, '"content":"x"}');
    third.finish("tool_calls");
    const last = await model.next();
    last.call(0, "call-end", "complete", '{"summary":"done"}');
    last.finish("tool_calls");
    const stored = watcher.ended.then(() => readConversation(taskloom, "thread-resync"));
    for (const reader of readers) {
      await reader.until(({ event }) => event.type === "RUN_FINISHED");
      checkFrames(reader.frames);
      const events = reader.frames.map(({ event }) => event);
      expect((await readAsClient(events)).messages).toEqual(await stored);
      reader.leave();
    }
  });

  it("contains at most the newest mebibyte of messages", async () => {
    for (let index = 0; index < 5; index++) await finish("thread-large", `inv-${index}`, `${index}`.repeat(300_000));
    const reader = await openReader(taskloom, "/v1/threads/thread-large/events", { after: 10_000_000 });
    await reader.until(({ event }) => event.type === "STATE_SNAPSHOT");
    const snapshot = JSON.stringify(reader.frames[0]);
    expect(snapshot.length).toBeLessThanOrEqual(1024 * 1024 + 100);
    expect([snapshot.includes("444"), snapshot.includes("222"), snapshot.includes("000")]).toEqual([true, true, false]);
    reader.leave();
  });
});

describe("a reader that reads nothing", () => {
  it("slows neither the run nor another reader, and finds everything when it reconnects", async () => {
    await start("thread-stalled", "inv-stalled");
    const path = "/v1/threads/thread-stalled/runs/inv-stalled/events";
    const stalled = await stall(path);
    const watcher = await openReader(taskloom, path);
    // Below the size from which a conversation gets a summary.
    for (let round = 0; round < 8; round++) {
      const call = await model.next();
      for (let index = 0; index < 90; index++) call.text(`${round}-${index} ${"x".repeat(10_000)}`);
      // Readers slower than the model are tested elsewhere.
      await watcher.until(({ event }) => "delta" in event && String(event.delta).includes(`${round}-89 `));
      if (round < 7) call.call(0, `call-${round}`, "view_tasks", "{}");
      call.finish(round < 7 ? "tool_calls" : "stop");
    }
    expect(await watcher.ended).toBe("closed");
    const taken = await stalled.resume();
    checkFrames(taken);
    const back = await openReader(taskloom, path, { after: taken.at(-1)?.id ?? 0 });
    expect(await back.ended).toBe("closed");
    const { messages } = await readAsClient(resume(taken, back.frames));
    // A resync contains the newest only. Not compared by `toEqual`, whose report would be as large as the data.
    const stored = await readConversation(taskloom, "thread-stalled");
    const missing = isResync(back.frames) ? stored.length - messages.length : 0;
    expect(missing).toBeLessThan(stored.length);
    expect(isDeepStrictEqual(messages, stored.slice(missing))).toBe(true);
  });
});

/** A client that stops reading after the headers; observed to continue, it reads until its connection ends. */
async function stall(path: string): Promise<{ resume(): Promise<StreamFrame[]> }> {
  const request = get(taskloom.url + path, { headers: { authorization: `Bearer ${taskloom.key}` } });
  const [response] = (await once(request, "response")) as [IncomingMessage];
  return {
    resume: async () => {
      let text = "";
      response.setEncoding("utf8");
      response.on("data", (chunk: string) => {
        text += chunk;
      });
      response.on("error", () => {});
      await new Promise((resolve) => response.once("close", resolve));
      // As clients do, without the frame that the end of the connection has cut.
      return parseFrames(text.slice(0, text.lastIndexOf("\n\n"))).map(({ seq, event }) => ({ id: seq, event }));
    },
  };
}
