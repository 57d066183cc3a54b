// AG-UI's own client, unmodified, over TCP, while the lives behind its one response end: it notices nothing, and ends
// with the stored conversation.
import { request } from "node:http";
import { HttpAgent } from "@ag-ui/client";
import { afterAll, beforeAll, describe, expect, it, vi } from "vitest";
import type { Run } from "../../src/protocol/run.ts";
import { checkedFetch } from "../fakes/ag-ui-schemas.ts";
import { type MortalTaskloom, startMortalTaskloom } from "./mortal-server.ts";
import { type ModelCall, type PuppetModel, startPuppetModel } from "./puppet-model.ts";
import { readConversation } from "./stream-reader.ts";

let model: PuppetModel;
let taskloom: MortalTaskloom;

beforeAll(async () => {
  model = await startPuppetModel();
  taskloom = await startMortalTaskloom({ OPENAI_BASE_URL: model.baseUrl });
});
afterAll(async () => {
  await taskloom.close();
  await model.close();
});

interface Watched {
  agent: HttpAgent;
  /** Types of the events so far. */
  types: string[];
  /** Resolves with the client's result; rejects where it meets an error. */
  done: Promise<unknown>;
  until(type: string, count?: number): Promise<void>;
}

function run(threadId: string, runId = "inv-1", text = "go"): Watched {
  const agent = new HttpAgent({
    url: `${taskloom.url}/ag-ui`,
    threadId,
    headers: { authorization: `Bearer ${taskloom.key}` },
    fetch: checkedFetch,
  });
  agent.addMessage({ id: `msg-of-${runId}`, role: "user", content: text });
  const types: string[] = [];
  const watchers = new Set<() => void>();
  const done = agent.runAgent(
    { runId },
    {
      onEvent: ({ event }) => {
        types.push(event.type);
        for (const watcher of watchers) watcher();
      },
    },
  );
  // Whoever awaits it sees the error; until then the rejection must count as handled.
  done.catch(() => {});
  const until = (type: string, count = 1): Promise<void> =>
    new Promise((resolve, reject) => {
      const look = (): void => {
        if (types.filter((each) => each === type).length < count) return;
        watchers.delete(look);
        resolve();
      };
      watchers.add(look);
      done.then(() => reject(new Error(`ended without ${count} ${type}: ${types.join(" ")}`)), reject);
      look();
    });
  return { agent, types, done, until };
}

/** Messages that the thread had `before` are unknown to the client. */
async function checkWhole({ agent, types, done }: Watched, attempt: number, before = 0): Promise<void> {
  await done;
  const { threadId } = agent;
  expect(agent.messages.map(withoutEmpty)).toEqual((await readConversation(taskloom, threadId)).slice(before));
  const { sections, version } = await taskloom.json<Record<string, unknown>>("GET", `/v1/threads/${threadId}/tasks`);
  expect(agent.state.plan).toMatchObject(JSON.parse(JSON.stringify({ version, sections }, withoutSectionId)));
  for (const type of ["RUN_STARTED", "RUN_FINISHED"]) expect(types.filter((each) => each === type)).toEqual([type]);
  const { data } = await taskloom.json<{ data: Run[] }>("GET", `/v1/threads/${threadId}/runs`);
  expect(data[0]).toMatchObject({ status: "completed", attempt });
}

/** A message that only called tools may have an empty content or none. */
function withoutEmpty(message: object): object {
  return Object.fromEntries(Object.entries(message).filter(([, value]) => value !== "" && value !== undefined));
}

/** In the state a task is nested in its section. */
function withoutSectionId(name: string, value: unknown): unknown {
  return name === "section_id" ? undefined : value;
}

function say(call: ModelCall, ...pieces: string[]): void {
  for (const piece of pieces) call.text(piece);
}

describe("HttpAgent, while lives end", () => {
  it("in a text has only the text of the life that completed it", async () => {
    const watched = run("lives-text");
    say(await model.next(), "Half ", "a ");
    await watched.until("TEXT_MESSAGE_CONTENT");
    await taskloom.endLife("lives-text");
    const again = await model.next();
    say(again, "A ", "whole ", "商店.");
    again.finish();
    await checkWhole(watched, 2);
    expect(watched.agent.messages.map(({ content }) => content)).toEqual(["go", "A whole 商店."]);
  });

  it("repeatedly, within reasoning and arguments too, has everything once", async () => {
    const watched = run("lives-many");
    const first = await model.next();
    first.think("Let me ");
    await watched.until("REASONING_MESSAGE_CONTENT");
    await taskloom.endLife("lives-many");
    const second = await model.next();
    second.think("I see.");
    say(second, "Planning");
    second.call(0, "c1", "create_tasks", '{"sections":[{"title":"A",');
    await watched.until("TOOL_CALL_ARGS");
    await taskloom.endLife("lives-many");
    const third = await model.next();
    third.think("I see now.");
    say(third, "Planning it");
    third.call(0, "c1", "create_tasks", '{"sections":[{"title":"A","tasks":["one"]}]}');
    third.finish("tool_calls");
    const fourth = await model.next();
    say(fourth, "Plan");
    await watched.until("TEXT_MESSAGE_CONTENT", 3);
    await taskloom.endLife("lives-many");
    const last = await model.next();
    last.call(0, "c2", "complete", '{"summary":"three"}');
    last.finish("tool_calls");
    await checkWhole(watched, 4);
  });

  it("in a command under a running task, has its result once", async () => {
    const watched = run("lives-command");
    const first = await model.next();
    first.call(0, "c1", "create_tasks", '{"sections":[{"title":"A","tasks":["one"]}]}');
    first.finish("tool_calls");
    const second = await model.next();
    const command = "echo begun >> log; until [ -e go ]; do sleep 0.1; done; cat log";
    second.call(0, "c2", "execute_command", JSON.stringify({ command }));
    second.finish("tool_calls");
    await watched.until("STEP_STARTED");
    await vi.waitFor(async () => expect(await readInbox("lives-command")).toMatchObject([{ calls_begun: 1 }]), 20_000);
    await taskloom.endLife("lives-command");
    const { project_id } = await taskloom.json<{ project_id: string }>("GET", "/v1/threads/lives-command");
    const { status } = await fetch(`${taskloom.url}/v1/projects/${project_id}/sandbox/files/content?path=go`, {
      method: "PUT",
      headers: { authorization: `Bearer ${taskloom.key}`, "content-type": "application/octet-stream" },
      body: "go",
    });
    expect(status).toBeLessThan(300);
    const third = await model.next();
    const results = third.messages.filter(({ role }) => role === "tool");
    expect(String(results.at(-1)?.content).split("begun").length).toBe(2);
    third.call(0, "c3", "complete", '{"summary":"done"}');
    third.finish("tool_calls");
    await checkWhole(watched, 2);
    expect(watched.types.filter((type) => type === "STEP_STARTED").length).toBe(2);
  });

  it("while its run waits behind another, starts when that has ended", async () => {
    const first = run("lives-queue", "inv-0");
    say(await model.next(), "Half ");
    await first.until("TEXT_MESSAGE_CONTENT");
    const second = run("lives-queue", "inv-1", "and then");
    await vi.waitFor(async () => expect(await readInbox("lives-queue")).toHaveLength(2), 20_000);
    await taskloom.endLife("lives-queue");
    for (const text of ["One.", "Two."]) {
      const call = await model.next();
      say(call, text);
      call.finish();
    }
    await first.done;
    await checkWhole(second, 1, 2);
    expect(second.agent.messages.at(-1)?.content).toBe("Two.");
  });

  it("and leaves, leaves no reader behind", async () => {
    const path = "/ag-ui";
    const socket = await startRaw(path, "lives-leave");
    const call = await model.next();
    say(call, "Half ");
    await socket.until("Half ");
    await taskloom.endLife("lives-leave");
    const again = await model.next();
    say(again, "Once ");
    await socket.until("Once ");
    expect(await readReaders("lives-leave")).toBe(1);
    socket.leave();
    await vi.waitFor(
      async () => {
        // A closed connection is noticed only by a write to it.
        say(again, "more ");
        expect(await readReaders("lives-leave")).toBe(0);
      },
      { timeout: 20_000, interval: 50 },
    );
    again.finish();
  });
});

interface Diagnostics {
  readers: number;
  inbox: unknown[];
}

function diagnose(thread_id: string): Promise<Diagnostics> {
  return taskloom.json<Diagnostics>("GET", `/v1/threads/${thread_id}/diagnostics`);
}

async function readReaders(thread_id: string): Promise<number> {
  return (await diagnose(thread_id)).readers;
}

async function readInbox(thread_id: string): Promise<unknown[]> {
  return (await diagnose(thread_id)).inbox;
}

/** A client whose socket can be destroyed. */
async function startRaw(path: string, threadId: string) {
  const messages = [{ id: "m1", role: "user", content: "go" }];
  const headers = { authorization: `Bearer ${taskloom.key}`, "content-type": "application/json" };
  let text = "";
  let look = (): void => {};
  const asked = request(taskloom.url + path, { method: "POST", headers }, (response) => {
    response.setEncoding("utf8").on("data", (piece: string) => {
      text += piece;
      look();
    });
    response.on("error", () => {});
  });
  asked.on("error", () => {});
  asked.end(JSON.stringify({ threadId, runId: "inv-1", messages }));
  return {
    leave: () => asked.destroy(),
    until: (sought: string) =>
      new Promise<void>((resolve) => {
        look = () => {
          if (text.includes(sought)) resolve();
        };
        look();
      }),
  };
}
