// Ten posts at once on one thread, for each policy of a busy one: handled as requested, none lost, none run twice, in
// order; and fifty equal ones, which are one. In the background and over the end of every life too.
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { Run } from "../../src/protocol/run.ts";
import { rowsOfType } from "../fakes/message-rows.ts";
import { type Answer, type RunsClient, startRunsClient, userTexts } from "./runs-client.ts";

let client: RunsClient;

beforeAll(async () => {
  client = await startRunsClient();
});
afterAll(() => client.close());

const ten = Array.from({ length: 10 }, (_, at) => at);

/** Ten at once, in addition to a working run. */
async function postTen(thread: string, policies: string[], background = false) {
  await client.post(`${thread}/runs`, { message: "first", invocation_id: "inv-first" });
  const first = await client.model.next();
  const answers = await Promise.all(
    ten.map((at) =>
      client.post(`${thread}/runs`, {
        message: `number ${at}`,
        invocation_id: `inv-${at}`,
        on_busy: policies[at % policies.length],
        background,
      }),
    ),
  );
  return { first, answers };
}

/** Serves the model calls of the thread's runs until they have ended, in the order of the inbox. */
async function serve(thread: string, runs: number): Promise<Run[]> {
  let served = 0;
  while (served < runs) {
    await client.say("ok");
    served += 1;
  }
  return await ended(thread);
}

async function ended(thread: string): Promise<Run[]> {
  const listed = await client.listRuns(thread);
  const all = await Promise.all(listed.map(({ invocation_id }) => endOf(thread, invocation_id)));
  return all.toReversed();
}

async function endOf(thread: string, run: string): Promise<Run> {
  await client.eventsOf(thread, run);
  return await client.readRun(thread, run);
}

/** Each text of a person is one message, of the run that it belongs to. */
async function expectMessages(thread: string, runs: Run[], steeredTo: string | null = null): Promise<void> {
  const rows = await client.listMessages(thread, "user");
  const userRows = rowsOfType(rows, "user").map((row) => [row.content.content, row.invocation_id]);
  expect(new Set(userRows.map(([text]) => text)).size).toBe(userRows.length);
  const began = runs.filter(({ started_at }) => started_at !== null);
  const owners = userRows.map(([, owner]) => owner).filter((owner, at, all) => owner !== all[at - 1]);
  expect(owners.toSorted()).toEqual(began.map(({ invocation_id }) => invocation_id).toSorted());
  // Runs accepted in the same millisecond are listed by id, so the messages show which came first.
  const inOrder = owners.map((owner) => began.find(({ invocation_id }) => invocation_id === owner));
  for (const time of ["created_at", "started_at"] as const) {
    const times = inOrder.map((run) => run?.[time] ?? "");
    expect(times).toEqual(times.toSorted());
  }
  if (steeredTo === null) expect(userRows.length).toBe(began.length);
}

function codes(answers: Answer[]): (string | number)[] {
  return answers.map(({ status, body }) => (status === 202 ? 202 : (body.code ?? status)));
}

describe("ten posts at once on a busy thread", () => {
  for (const background of [false, true]) {
    const how = background ? " in the background" : "";
    const prefix = background ? "ten-b" : "ten";

    it(`that wait run one after another${how}, each once`, async () => {
      const { first, answers } = await postTen(`${prefix}-enqueue`, ["enqueue"], background);
      expect(codes(answers)).toEqual(ten.map(() => 202));
      first.text("done");
      first.finish();
      const runs = await serve(`${prefix}-enqueue`, 10);
      expect(runs.map(({ status }) => status)).toEqual(Array(11).fill("completed"));
      await expectMessages(`${prefix}-enqueue`, runs);
    });

    it(`that replace leave the last one${how}`, async () => {
      const { answers } = await postTen(`${prefix}-replace`, ["replace"], background);
      expect(codes(answers)).toEqual(ten.map(() => 202));
      const runs = await client.listRuns(`${prefix}-replace`);
      const last = runs[0]?.invocation_id ?? "";
      // Those before it may have called the model before they were replaced.
      const text = last.replace("inv-", "number ");
      for (;;) if (userTexts(await client.say("ok")).includes(text)) break;
      const all = await ended(`${prefix}-replace`);
      expect(all.map(({ status }) => status)).toEqual([...Array(10).fill("cancelled"), "completed"]);
      await expectMessages(`${prefix}-replace`, all);
    });
  }

  it("that would be refused are, each of them", async () => {
    const { first, answers } = await postTen("ten-reject", ["reject"]);
    expect(codes(answers)).toEqual(ten.map(() => "busy"));
    first.text("done");
    first.finish();
    const runs = await ended("ten-reject");
    expect(runs.map(({ invocation_id, status }) => [invocation_id, status])).toEqual([["inv-first", "completed"]]);
    await expectMessages("ten-reject", runs);
  });

  it("that steer are all in the run's next step, once and in order", async () => {
    const { first, answers } = await postTen("ten-steer", ["steer"]);
    expect(answers.map(({ status, body }) => [status, body.invocation_id])).toEqual(ten.map(() => [202, "inv-first"]));
    first.call(0, "call-1", "view_tasks", "{}");
    first.finish("tool_calls");
    const next = await client.say("ok");
    const texts = userTexts(next).slice(1);
    expect(texts.toSorted()).toEqual(ten.map((at) => `number ${at}`));
    const runs = await ended("ten-steer");
    expect(runs.map(({ invocation_id }) => invocation_id)).toEqual(["inv-first"]);
    await expectMessages("ten-steer", runs, "inv-first");
    const rows = await client.listMessages("ten-steer", "user");
    expect(rowsOfType(rows.slice(1), "user").map(({ content }) => content.content)).toEqual(texts);
  });

  it("with different policies each get their own", async () => {
    const { first, answers } = await postTen("ten-mixed", ["enqueue", "steer", "reject", "enqueue", "steer"]);
    const waiting = ten.filter((at) => [0, 3].includes(at % 5));
    const steering = ten.filter((at) => [1, 4].includes(at % 5));
    expect(answers.map(({ status, body }) => (status === 202 ? body.invocation_id : body.code))).toEqual(
      ten.map((at) => (waiting.includes(at) ? `inv-${at}` : steering.includes(at) ? "inv-first" : "busy")),
    );
    first.call(0, "call-1", "view_tasks", "{}");
    first.finish("tool_calls");
    const runs = await serve("ten-mixed", 1 + waiting.length);
    expect(runs.map(({ status }) => status)).toEqual(Array(5).fill("completed"));
    await expectMessages("ten-mixed", runs, "inv-first");
    expect((await client.listMessages("ten-mixed", "user")).length).toBe(1 + waiting.length + steering.length);
  });

  it("continue in their order after every life has ended", async () => {
    const { answers } = await postTen("ten-crash", ["enqueue"]);
    expect(codes(answers)).toEqual(ten.map(() => 202));
    await client.taskloom.runtime.restart();
    client.model.forget();
    // Any request starts the thread again; the answered posts are still the same runs.
    const again = await Promise.all(
      ten.map((at) => client.post("ten-crash/runs", { message: `number ${at}`, invocation_id: `inv-${at}` })),
    );
    expect(codes(again)).toEqual(ten.map(() => 202));
    const runs = await serve("ten-crash", 11);
    expect(runs.map(({ status }) => status)).toEqual(Array(11).fill("completed"));
    expect(runs[0]).toMatchObject({ invocation_id: "inv-first", attempt: 2 });
    await expectMessages("ten-crash", runs);
  });
});

describe("fifty equal posts at once", () => {
  for (const background of [false, true]) {
    it(`are one run${background ? " in the background" : ""}, one message and fifty equal answers; another body is refused`, async () => {
      const thread = background ? "fifty-background" : "fifty";
      const post = (message: string) =>
        client.post(`${thread}/runs`, { message, background }, { "idempotency-key": "inv-equal" });
      const answers = await Promise.all(Array.from({ length: 50 }, () => post("count me once")));
      const identities = answers.map(({ status, headers, body }) =>
        JSON.stringify([status, headers.get("location"), body.invocation_id, body.created_at]),
      );
      expect(new Set(identities).size).toBe(1);
      expect(await post("count me twice")).toMatchObject({ status: 409, body: { code: "idempotency_conflict" } });
      const runs = await serve(thread, 1);
      expect(runs.map(({ invocation_id, status }) => [invocation_id, status])).toEqual([["inv-equal", "completed"]]);
      await expectMessages(thread, runs);
      expect(await post("count me twice")).toMatchObject({ status: 409, body: { code: "idempotency_conflict" } });
    });
  }
});
