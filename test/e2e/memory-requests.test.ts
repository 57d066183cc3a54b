// What requests bring and take is held by the same memory as the objects' work. Here more comes at once than the heap
// of a process has: bodies of a megabyte from clients that stop in the middle, histories of AG-UI clients, pages of
// long messages. Whoever finds no room gets a refusal that says so, and the process lives.
import { once } from "node:events";
import { mkdtemp, rm } from "node:fs/promises";
import { connect } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, it } from "vitest";
import { type MemoryStage, openMemoryStage } from "./memory/stage.ts";

const HEAP_MIB = Number(process.env.HEAP_MIB ?? 96);
const MANY = 150;

let folder = "";
let stage: MemoryStage;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "taskloom-requests-"));
  stage = await openMemoryStage(folder, HEAP_MIB);
});
afterAll(async () => {
  await stage?.close();
  await rm(folder, { recursive: true, force: true });
});

interface Outcome {
  status: number;
  retries: boolean;
}

/** Sends all of a body but its last byte. Resolves with what sends that, and how the server answers. */
async function openSlow(path: string, body: string): Promise<() => Promise<Outcome>> {
  const { hostname, port } = new URL(stage.url);
  const socket = connect(Number(port), hostname);
  let answer = "";
  const answered = new Promise<Outcome>((resolve) => {
    const look = () => {
      const [head = ""] = answer.split("\r\n\r\n");
      resolve({ status: Number(head.split(" ")[1] ?? 0), retries: /^retry-after: \d+$/im.test(head) });
    };
    socket.on("data", (bytes: Buffer) => {
      answer += bytes.toString("latin1");
      if (answer.includes("\r\n\r\n")) look();
    });
    socket.on("error", () => {});
    socket.on("close", look);
  });
  await once(socket, "connect");
  const headers = [
    `POST ${path} HTTP/1.1`,
    "host: taskloom",
    `authorization: Bearer ${stage.key}`,
    "content-type: application/json",
    `content-length: ${body.length}`,
  ];
  socket.write(`${headers.join("\r\n")}\r\n\r\n${body.slice(0, -1)}`);
  return async () => {
    socket.write(body.slice(-1));
    const outcome = await answered;
    socket.destroy();
    return outcome;
  };
}

/** Each is done, or refused with a time to come back, some of them are done, and the server still answers. */
async function expectHonest(outcomes: Outcome[], done: number): Promise<void> {
  for (const outcome of outcomes) {
    expect([done, 429, 503]).toContain(outcome.status);
    if (outcome.status !== done) expect(outcome.retries).toBe(true);
  }
  expect(outcomes.filter(({ status }) => status === done).length).toBeGreaterThan(3);
  expect((await stage.request("GET", "/healthz")).status).toBe(200);
  if (process.env.SHOW_TIMES !== undefined) {
    const refused = outcomes.filter(({ status }) => status !== done).length;
    console.log(
      `${outcomes.length - refused} done, ${refused} refused with a time to come back; ${JSON.stringify(stage.memory())}`,
    );
  }
}

it("survives bodies of a megabyte from clients that stop in the middle, and then come at once", async () => {
  const message = "x".repeat(1_000_000);
  const bodies = Array.from({ length: MANY }, (_, at) =>
    openSlow(`/v1/threads/body-${at}/runs`, JSON.stringify({ message, invocation_id: "run" })),
  );
  const finish = await Promise.all(bodies);
  const outcomes = await Promise.all(finish.map((each) => each()));
  await expectHonest(outcomes, 202);
}, 120_000);

it("survives AG-UI clients with long histories, whose runs all end", async () => {
  const content = "长".repeat(2_000);
  const history = Array.from({ length: 140 }, (_, at) => ({
    ...{ id: `m${at}`, role: at % 2 === 0 ? "user" : "assistant", content },
  }));
  const outcomes = await Promise.all(
    Array.from({ length: 60 }, async (_, at): Promise<Outcome> => {
      const response = await stage.request(
        "POST",
        "/ag-ui",
        {
          ...{
            threadId: `ag-ui-${at}`,
            runId: `ag-ui-run-${at}`,
            state: {},
            tools: [],
            context: [],
            forwardedProps: {},
          },
          messages: [...history, { id: "last", role: "user", content: "@say:1:16:0@" }],
        },
        { accept: "text/event-stream" },
      );
      const text = await response.text();
      if (response.status === 200) expect(text).toContain("RUN_FINISHED");
      return { status: response.status, retries: response.headers.has("retry-after") };
    }),
  );
  await expectHonest(outcomes, 200);
}, 120_000);

it("survives readers of a page of four megabytes, who get the same as one alone", async () => {
  await stage.json("POST", "/v1/threads", { thread_id: "pages" });
  for (let at = 0; at < 6; at++) {
    const message = `${"长文".repeat(150_000)} @say:1:16:0@`;
    await stage.json("POST", "/v1/threads/pages/runs", { message, invocation_id: `run-${at}` });
    await expect
      .poll(async () => (await stage.json<{ status: string }>("GET", `/v1/threads/pages/runs/run-${at}`)).status, {
        timeout: 30_000,
      })
      .toBe("completed");
  }
  const read = async () => {
    const response = await stage.request("GET", "/v1/threads/pages/messages?limit=200");
    return { response, text: await response.text() };
  };
  const alone = await read();
  expect(alone.text.length).toBeGreaterThan(1_000_000);
  const outcomes = await Promise.all(
    Array.from({ length: 40 }, async (): Promise<Outcome> => {
      const { response, text } = await read();
      if (response.status === 200) expect(text === alone.text).toBe(true);
      return { status: response.status, retries: response.headers.has("retry-after") };
    }),
  );
  await expectHonest(outcomes, 200);
}, 120_000);

interface Checked {
  receipts: { output_head: string; output_tail: string }[];
}

it("survives readers of a thread whose checks have said much, who get the same as one alone", async () => {
  await stage.json("POST", "/v1/threads", { thread_id: "checked" });
  const loud = (at: number) => ({ type: "command", run: `echo ${at}; head -c 200000 /dev/zero | tr '\\0' x; false` });
  const contents = [0, 1, 2, 3, 4, 5].map((task) => ({
    ...{ content: `Task ${task}`, checks: Array.from({ length: 8 }, (_, check) => loud(8 * task + check)) },
  }));
  const operations = [{ op: "create", section_title: "S", task_contents: contents }];
  await stage.json("PATCH", "/v1/threads/checked/tasks", { operations });
  const ran = await stage.json<{ receipt_ids: string[] }>("POST", "/v1/threads/checked/checks/run?wait=1", {});
  expect(ran.receipt_ids).toHaveLength(48);
  const read = async () => {
    const response = await stage.request("GET", "/v1/threads/checked/tasks?include=receipts");
    return { response, text: await response.text() };
  };
  const alone = await read();
  const plan = JSON.parse(alone.text) as { sections: { tasks: Checked[] }[] };
  const receipts = plan.sections.flatMap(({ tasks }) => tasks.flatMap((task) => task.receipts));
  expect(receipts.map(({ output_head, output_tail }) => output_head.length + output_tail.length)).toEqual(
    receipts.map(() => 64 * 1024),
  );
  const outcomes = await Promise.all(
    Array.from({ length: 60 }, async (): Promise<Outcome> => {
      const { response, text } = await read();
      if (response.status === 200) expect(text === alone.text).toBe(true);
      return { status: response.status, retries: response.headers.has("retry-after") };
    }),
  );
  await expectHonest(outcomes, 200);
}, 120_000);
