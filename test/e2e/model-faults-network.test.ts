// Network failures between the Worker and the model: refused, reset, and cut at a given byte; each permanent, and once.
import { afterAll, beforeAll, describe, expect, it, vi } from "vitest";
import { type RunningModel, startModel } from "../../dev/model/server.ts";
import { findFreePort } from "../setup/started-server.ts";
import { type StartedTaskloom, startBeside } from "./started-taskloom.ts";
import { openReader, readAsClient, readConversation } from "./stream-reader.ts";
import { retries, runAgain, runToEnd } from "./watched-run.ts";

let taskloom: StartedTaskloom;
let model: RunningModel | undefined;
let port: number;

// These tests mostly wait.
vi.setConfig({ maxConcurrency: 20 });

beforeAll(async () => {
  // Nothing listens there until the tests start a model.
  port = await findFreePort();
  taskloom = await startBeside(`http://127.0.0.1:${port}/v1`);
});
afterAll(async () => {
  await taskloom.close();
  await model?.close();
});

async function startTheModel(): Promise<RunningModel> {
  model = await startModel({ port, tokensPerSecond: 0 });
  return model;
}

describe("a model server that is not running", () => {
  it("ends the run as failed after five attempts", async () => {
    const { run, events } = await runToEnd(taskloom, "hello");
    expect([run.status, run.error?.code]).toEqual(["failed", "model_error"]);
    expect(run.error?.message).toMatch(/5 attempts.*The model server could not be reached/);
    expect(retries(events)).toHaveLength(4);
  });

  it("is retried, and its reply is used once it runs", async () => {
    const path = "/v1/threads/late/runs";
    const reader = await openReader(taskloom, path, { method: "POST", body: { message: "[[text Here I am.]]" } });
    await reader.until(({ event }) => event.type === "CUSTOM" && event.name === "model_retry");
    await startTheModel();
    expect(await reader.ended).toBe("closed");
    const events = reader.frames.map(({ event }) => event);
    expect(events.at(-1)).toMatchObject({ type: "RUN_FINISHED", result: { text: "Here I am." } });
    expect((await readAsClient(events)).messages).toEqual(await readConversation(taskloom, "late"));
  });
});

/** The bytes of the reply's stream up to the middle of its first character, which has several. */
async function countToCharacter(text: string): Promise<number> {
  const body = {
    model: "m",
    stream: true,
    stream_options: { include_usage: true },
    messages: [{ role: "user", content: `[[text ${text}]]` }],
  };
  const answer = await fetch(`${model?.baseUrl}/chat/completions`, { method: "POST", body: JSON.stringify(body) });
  return Buffer.from(await answer.arrayBuffer()).indexOf(text) + 1;
}

describe.concurrent("a connection to the model that breaks", () => {
  const places = [
    ["before an answer", async () => "[[reset]]"],
    ["within the head of a chunk", async () => "[[cut after 3 bytes]] [[text 商店]]"],
    ["within a chunk", async () => `[[cut after ${(await countToCharacter("商店")) + 40} bytes]] [[text 商店]]`],
    ["within a character", async () => `[[cut after ${await countToCharacter("商店")} bytes]] [[text 商店]]`],
    ["between two chunks", async () => "[[cut after 3]] [[text 商店 is a shop]]"],
  ] as const;

  it.each(places)("%s each time ends the run as failed", async (_place, write) => {
    const { thread, run, events } = await runToEnd(taskloom, await write());
    expect([run.status, run.error?.code]).toEqual(["failed", "model_error"]);
    expect(run.error?.message).toMatch(/^The model gave no reply in 5 attempts\. .*(could not be reached or|cut) /);
    expect(retries(events)).toHaveLength(4);
    await runAgain(taskloom, thread);
  });

  it.each(places)("%s once costs only a wait", async (place, write) => {
    const { run, events } = await runToEnd(taskloom, `${place}: ${await write()} [[text 开门了]] [[times 1]]`);
    expect(run.status).toBe("completed");
    expect(run.result?.text).toContain("开门了");
    expect(retries(events)).toHaveLength(1);
  });
});
