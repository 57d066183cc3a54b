// What is open counts until it is over, also where a client leaves without a word: before the answer, or in the middle of a
// body. What never closed would keep its user out.
import { connect } from "node:net";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { fixedLimits } from "../../src/protocol/money/quotas.ts";
import { eventually } from "./daytona-fixture.ts";
import { startTaskloom, type Taskloom } from "./harness.ts";
import { type PuppetModel, startPuppetModel } from "./puppet-model.ts";

const file = (path: string) => `/v1/projects/open-project/sandbox/files/content?path=${path}`;

let taskloom: Taskloom;
let model: PuppetModel;

beforeAll(async () => {
  model = await startPuppetModel();
  taskloom = await startTaskloom({
    OPENAI_BASE_URL: model.baseUrl,
  });
  await taskloom.json("POST", "/v1/projects", { project_id: "open-project", name: "Open" });
  await taskloom.json("POST", "/v1/threads", { thread_id: "open", project_id: "open-project" });
  expect((await upload("large", "x".repeat(8_000_000))).status).toBe(201);
  await holdAllStreamsButOne();
});
afterAll(async () => {
  await taskloom.close();
  await model.close();
});

function upload(path: string, body: string): Promise<Response> {
  const headers = { authorization: `Bearer ${taskloom.key}` };
  return fetch(taskloom.url + file(path), { method: "PUT", headers, body });
}

/** So many streams of a thread may be open. */
const OF_A_THREAD = 500;

/** The next one that is open and left is the last that the user may have. */
async function holdAllStreamsButOne(): Promise<void> {
  const headers = { authorization: `Bearer ${taskloom.key}` };
  const threads = Array.from({ length: Math.ceil(fixedLimits.streams.usual / OF_A_THREAD) + 1 }, (_, n) => `held-${n}`);
  for (const thread_id of threads)
    await taskloom.json("POST", "/v1/threads", { thread_id, project_id: "open-project" });
  for (let held = 0; held < fixedLimits.streams.usual - 1; held++) {
    const { status } = await fetch(`${taskloom.url}/v1/threads/${threads[held % threads.length]}/events`, { headers });
    expect(status).toBe(200);
  }
}

/** Sends the start of a request, and destroys the connection. */
async function leave(head: string, body = "", seen: "at once" | "answered" = "at once"): Promise<void> {
  const { hostname, port } = new URL(taskloom.url);
  const socket = connect(Number(port), hostname);
  socket.on("error", () => {});
  const [line, ...more] = head.split("\n");
  const lines = [`${line} HTTP/1.1`, `host: ${hostname}:${port}`, `authorization: Bearer ${taskloom.key}`, ...more];
  await new Promise<void>((resolve) => socket.write(`${lines.join("\r\n")}\r\n\r\n${body}`, () => resolve()));
  if (seen === "answered") await new Promise((resolve) => socket.once("data", resolve));
  socket.destroy();
}

/** The quota has room again: a request that finds nothing holds none. */
async function expectFree(path: string): Promise<void> {
  await eventually(async () => {
    const { status } = await taskloom.request("GET", path);
    expect([404, 429]).toContain(status);
    return status === 404;
  });
}

const NO_STREAM = "/v1/threads/none/events";
const NO_FILE = file("none");

// The runtime notices who has left when it sends something: some seconds later.
describe("a stream", () => {
  it("is given back by a client that leaves it", async () => {
    await leave("GET /v1/threads/open/events", "", "answered");
    await expectFree(NO_STREAM);
  });

  it("is given back by a client that starts a run and leaves before the stream comes", async () => {
    const text = JSON.stringify({ message: "hi" });
    const headers = `content-type: application/json\ncontent-length: ${text.length}\naccept: text/event-stream`;
    await leave(`POST /v1/threads/open/runs\n${headers}`, text);
    await expectFree(NO_STREAM);
  });
});

describe("a transfer", () => {
  /** All that a user may have open. */
  const leaveAll = async (...request: Parameters<typeof leave>) => {
    for (let count = 0; count < fixedLimits.transfers.usual; count++) await leave(...request);
  };

  it("is given back by a client that leaves in the middle of an upload", async () => {
    await leaveAll(`PUT ${file("part")}\ncontent-length: 1000000`, "x".repeat(100_000));
    await expectFree(NO_FILE);
  });

  it.each(["at once", "answered"] as const)("is given back by a client that leaves a download %s", async (seen) => {
    await leaveAll(`GET ${file("large")}`, "", seen);
    await expectFree(NO_FILE);
  });
});
