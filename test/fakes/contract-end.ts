// What must hold for a thread once everything has settled: nothing lost, nothing twice, D1 and every reader consistent
// with it.

import { expect } from "vitest";
import { taskId } from "../../src/agent/plan/numbers.ts";
import { planState } from "../../src/agent/plan/view.ts";
import type { MessageRow } from "../../src/protocol/message.ts";
import type { Run } from "../../src/protocol/run.ts";
import type { Thread } from "../../src/protocol/thread.ts";
import { OUTLIVED } from "../../src/thread/life.ts";
import { readMessages, readPlan } from "../../src/thread/rows/messages.ts";
import { toAgUiMessages } from "../../src/thread/stream/events.ts";
import { isOver } from "./contract-model.ts";
import type { ContractReader } from "./contract-reader.ts";
import { expectDeliveries } from "./contract-webhooks.ts";
import type { ContractWorld } from "./contract-world.ts";
import { passTime } from "./stream.ts";
import { taskIdsIn } from "./task-ids.ts";
import { Transcript } from "./transcript.ts";

interface StoredRun {
  position: number;
  released: number;
  start_seq: number | null;
  run: Run;
}

export async function expectContract(world: ContractWorld): Promise<void> {
  const calm = await world.calmDown();
  const { model, object } = world;
  expect(model.problems).toEqual([]);
  expect(calm).toBe(true);
  expect(object.failures).toEqual([]);
  // A run may outlive its thread for as long as its model ignores a cancel.
  const usual = model.removal === "no" ? ["the disk is full"] : ["the disk is full", OUTLIVED];
  expect(object.aborts.filter((reason) => !usual.some((known) => reason.includes(known)))).toEqual([]);
  if (model.removal !== "no") {
    await expectRemoved(world);
    return;
  }
  if (object.read("meta", "SELECT 1 AS one FROM meta").length === 0) {
    expect(model.acknowledged.size).toBe(0);
    return;
  }
  const runs = readRuns(world);
  expectIntake(world, runs);
  expectEnds(world, runs);
  expectD1(world, runs);
  expectDeliveries(world.d1);
  await expectReaders(world, runs);
  expectPlan(world);
}

/** No edit of the plan is lost, and whoever reads the thread has the plan as it is. */
function expectPlan({ object, person, readers }: ContractWorld): void {
  const { sql } = object.database;
  const plan = readPlan(sql);
  expect(person.problemsOf(plan)).toEqual([]);
  const made = sql
    .exec<{ content: string }>(
      "SELECT content ->> '$.content' AS content FROM messages WHERE type = 'tool' AND metadata ->> 'name' = 'create_tasks'",
    )
    .toArray();
  const ids = made.flatMap(({ content }) => taskIdsIn(content));
  expect(ids.filter((id) => !plan.tasks.some((task) => taskId(task) === id))).toEqual([]);
  for (const { run, transcript } of readers) {
    if (run === null && transcript.state !== null) expect(transcript.state.plan).toEqual(planState(plan));
  }
}

function readRuns({ object }: ContractWorld): StoredRun[] {
  return object.database.sql
    .exec<{ position: number; released: number; start_seq: number | null; run: string }>(
      "SELECT position, released, start_seq, run FROM runs ORDER BY position",
    )
    .toArray()
    .map((row) => ({ ...row, run: JSON.parse(row.run) as Run }));
}

/** Every accepted input is one run or one steered message, and its text one row where it was begun. */
function expectIntake({ model, object, posts }: ContractWorld, runs: StoredRun[]): void {
  for (const { id } of posts) {
    const own = runs.find(({ run }) => run.invocation_id === id);
    const steered = model.steered.get(id);
    if (model.acknowledged.has(id)) expect([id, own !== undefined || steered?.taken === true]).toEqual([id, true]);
    const rows = object.database.sql
      .exec<{ invocation_id: string }>("SELECT invocation_id FROM messages WHERE message_id = ?", `msg_${id}`)
      .toArray();
    const owners = rows.map(({ invocation_id }) => invocation_id);
    const begun = own !== undefined && own.start_seq !== null ? [id] : steered?.taken === true ? [steered.run_id] : [];
    expect([id, owners]).toEqual([id, begun]);
  }
}

function expectEnds({ model, worked }: ContractWorld, runs: StoredRun[]): void {
  const resumed = runs.flatMap(({ run }) => run.resumes ?? []);
  expect(new Set(resumed).size).toBe(resumed.length);
  for (const { run, released, start_seq } of runs) {
    const { invocation_id: id, status, error, interrupts, finished_at } = run;
    expect([id, status, isOver(status), released, finished_at !== null]).toEqual([id, status, true, 1, true]);
    expect([id, error?.code]).not.toEqual([id, "internal"]);
    expect([id, start_seq !== null || status === "cancelled" || status === "failed"]).toEqual([id, true]);
    expect([id, interrupts.length > 0]).toEqual([id, status === "interrupted"]);
    if (model.deadLettered.has(id))
      expect([id, ["failed", "cancelled"]]).toEqual([id, expect.arrayContaining([status])]);
    if (run.resumes === null) continue;
    expect(runs.find((other) => other.run.invocation_id === run.resumes)?.run.status).toBe("interrupted");
  }
  for (const [call, times] of worked) expect([call, times]).toEqual([call, 1]);
}

/** D1 has what the object has, without a request for it. */
function expectD1({ d1, object, key }: ContractWorld, runs: StoredRun[]): void {
  const storedRuns = d1.read<{ run: string }>("SELECT run FROM runs").map(({ run }) => JSON.parse(run) as Run);
  const byId = (list: Run[]) => Object.fromEntries(list.map((run) => [run.invocation_id, run]));
  expect(byId(storedRuns)).toEqual(byId(runs.map(({ run }) => run)));
  const rows = readMessages(object.database.sql, { ...key, project_id: "any" } as Thread, 0, 1000);
  const stored = rows.map(({ seq, message_id, type, content, version }) => [seq, message_id, type, content, version]);
  const inD1 = d1
    .read<{ seq: number; message_id: string; type: string; content: string; version: number }>(
      "SELECT seq, message_id, type, content, version FROM messages ORDER BY seq",
    )
    .map((row) => [row.seq, row.message_id, row.type, JSON.parse(row.content), row.version]);
  expect(inD1).toEqual(stored);
}

/** A reader, however often the connection broke, ends with the conversation of the messages. */
async function expectReaders(world: ContractWorld, runs: StoredRun[]): Promise<void> {
  const { readers, object, d1 } = world;
  // A reader that was closed because nothing was new reconnects now and then.
  for (const reader of readers) if (reader.run === null) await reader.connect();
  // The thread's stream is closed when nothing has run for a minute, or a minute later for a reader that was not sent
  // everything by then.
  await passTime(object.clock, 121_000);
  const rows = d1.read<Record<string, unknown>>("SELECT * FROM messages ORDER BY seq").map(toRow);
  const messages = rows.flatMap(toAgUiMessages);
  const stored = conversationOf(new Transcript().apply({ type: "MESSAGES_SNAPSHOT", messages }));
  const started = runs.filter(({ start_seq }) => start_seq !== null).map(({ run }) => run.invocation_id);
  for (const reader of readers) {
    expect(reader.problems).toEqual([]);
    if (runs.length === 0) continue;
    if (reader.run === null) {
      expect(reader.status).not.toBe("open");
      expect(conversationOf(reader.transcript)).toEqual(stored);
      expect(reader.transcript.value.open).toEqual([]);
      expect([...reader.transcript.steps]).toEqual([]);
      expectOrder(reader, started);
    } else expectRunReader(reader, runs);
  }
}

/** A run's new messages are sent with its start, so a stream has the answer to a question before the call's result. */
function conversationOf(transcript: Transcript) {
  const all = transcript.value.messages;
  const results = all.filter(({ role }) => role === "tool").map((held) => [held.answers, held]);
  return { messages: all.filter(({ role }) => role !== "tool"), results: Object.fromEntries(results) };
}

/** Runs start one after another in the order of the inbox, and each that was seen to start was seen to end, once. */
function expectOrder(reader: ContractReader, started: string[]): void {
  const begun = reader.events.flatMap(({ event }) =>
    event.type === "RUN_STARTED" && event.metadata?.resync !== true ? [event.runId] : [],
  );
  expect(begun).toEqual(started.filter((id) => begun.includes(id)));
}

function expectRunReader(reader: ContractReader, runs: StoredRun[]): void {
  const own = runs.find(({ run }) => run.invocation_id === reader.run)?.run;
  if (own === undefined) {
    expect(reader.status).toBe("missing");
    return;
  }
  if (reader.status === "missing") return;
  expect([reader.run, reader.status]).toEqual([reader.run, "closed"]);
  const outcomes: Record<string, string> = { completed: "success", interrupted: "interrupt", cancelled: "cancelled" };
  expect([own.invocation_id, reader.transcript.outcome]).toEqual([
    own.invocation_id,
    own.status === "failed" ? own.error?.code : outcomes[own.status],
  ]);
  const ends = reader.events.filter(({ event }) => event.type === "RUN_FINISHED" || event.type === "RUN_ERROR");
  expect(ends.length).toBeLessThanOrEqual(1);
}

function toRow(row: Record<string, unknown>): MessageRow {
  const content = JSON.parse(String(row.content));
  const metadata = JSON.parse(String(row.metadata));
  return { ...row, content, metadata, is_llm_message: row.is_llm_message === 1 } as unknown as MessageRow;
}

/** A removed thread stays removed, whatever arrives late. */
async function expectRemoved({ model, d1, object, key }: ContractWorld): Promise<void> {
  expect(model.removal).toBe("done");
  const [thread, ...more] = d1.read<{ deleted_at: string | null }>("SELECT deleted_at FROM threads");
  expect([typeof thread?.deleted_at, more.length]).toEqual(["string", 0]);
  expect(d1.read("SELECT invocation_id FROM runs UNION ALL SELECT message_id FROM messages")).toEqual([]);
  const answer = await object.call((thread) => thread.getRun(key, "inv_0"));
  expect(answer).toMatchObject({ value: { ok: false, error: { code: "not_found" } } });
  expect(object.alarmAt).toBe(null);
}
