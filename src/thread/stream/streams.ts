// Streams of a thread: where a reader begins and ends, and when it gets a resync instead of exactly the rest.
import { type Failure, fail, type Result, succeed } from "../../protocol/error.ts";
import { isTerminal } from "../../protocol/run.ts";
import { findRun, type Life, noteError } from "../life.ts";
import type { RunRecord } from "../rows/runs.ts";
import { type AgUiClient, ClientEvents } from "./ag-ui/client.ts";
import { checkKeys, type KeyCheck } from "./ended-keys.ts";
import { runEnded } from "./events.ts";
import { frameOf, type JournalRow } from "./journal/journal.ts";
import { MAX_READERS, type ReaderRequest } from "./readers.ts";
import { resyncOpening } from "./snapshot.ts";

/** A client's request for a stream. Without a run it is the thread's stream. */
export interface StreamRequest {
  invocation_id: string | null;
  after: number | null;
  /** Begin with a resync, whatever the client has. */
  resync: boolean;
  /** Of a run's stream; absent for readers that are no AG-UI clients. */
  client?: AgUiClient | null;
  /** Whether a Worker reads it and writes each chunk again. */
  relayed?: boolean;
  /** The answer may be that the client has everything, which not every reader of ours can take. */
  may_end?: boolean;
  /** The ticket with which it is read, if that was with one. */
  ticket?: string | null;
}

// A line of its own, which parsers take as it comes. After a blank line some clients dispatch an event without data.
const RETRY = "retry: 1000\n";
// A thread without a run is quiet for long. Its reader comes back now and then instead of holding the object in memory.
export const RETRY_IDLE = "retry: 20000\n";
// Without an id, an `EventSource` can't say that it has the end, and would ask again each second.
const RETRY_NEVER = "retry: 86400000\n";
const IDLE_MS = 60_000;

/** What to pass to `Readers.add`, or the whole stream if nothing will follow it. `over`: the client has everything. */
export type StreamPlan =
  | { kind: "follow"; request: ReaderRequest }
  | { kind: "whole"; text: string }
  | { kind: "over" };

export const tooManyReaders: Failure = {
  code: "rate_limited",
  detail: `${MAX_READERS} streams of this thread are open already.`,
};

export function planStream(life: Life, request: StreamRequest): Result<StreamPlan> {
  const { invocation_id } = request;
  const record = invocation_id === null ? null : findRun(life, invocation_id);
  if (invocation_id !== null && record === null) return fail("not_found", `The run ${invocation_id} does not exist.`);
  // Before anything is read for it.
  if (life.readers.isFull) return { ok: false, error: tooManyReaders };
  return succeed(record === null ? planThreadStream(life, request) : planRunStream(life, record, request));
}

function planThreadStream(life: Life, { after, resync, ticket = null }: StreamRequest): StreamPlan {
  const from = after ?? 0;
  const floor = () => life.superseded.floor;
  // A ticket is opened again by who names an event, so its first reader gets one also where nothing has happened yet.
  const isBare = ticket !== null && after === null && life.journal.newest === 0;
  const exact = !resync && !isBare && from >= life.superseded.floor && life.journal.replay.canResume(from);
  const [record] = life.live.values();
  const active = record !== undefined && record.start_seq !== null ? record : null;
  if (exact) {
    const nothingNew = after !== null && active === null && life.journal.replay.rowsAfter(from, 1).length === 0;
    if (nothingNew && life.live.size === 0) return { kind: "whole", text: RETRY_IDLE };
    return { kind: "follow", request: { after: from, opening: [RETRY], end: () => null, idles: true, floor } };
  }
  const seq = life.journal.released;
  const opening = withRetry(resyncOpening(life, active?.run ?? null, null, seq));
  return { kind: "follow", request: { after: seq, opening, bare: true, end: () => null, idles: true, floor } };
}

function planRunStream(
  life: Life,
  record: RunRecord,
  { after, resync, may_end, client: named }: StreamRequest,
): StreamPlan {
  const end = () => record.end_seq;
  const run = record.run.invocation_id;
  const client = named ? new ClientEvents(life.database.sql, named, run) : undefined;
  if (record.start_seq === null) {
    if (isTerminal(record.run.status)) {
      const text = neverStarted(life, record);
      return { kind: "whole", text: client?.frames(text) ?? text };
    }
    const request = { after: 0, opening: [RETRY], end, idles: false, begin: () => beginOf(record), run, client };
    return { kind: "follow", request };
  }
  const from = Math.max(after ?? 0, record.start_seq - 1);
  const over = record.end_seq !== null && record.end_seq <= life.journal.released;
  // A number above the newest was never given. Its client gets a resync, whatever it believes to have.
  const hasEnd = over && after !== null && after >= (record.end_seq ?? 0) && after <= life.journal.newest;
  if (hasEnd && may_end === true && !resync) return { kind: "over" };
  if (!resync && life.journal.replay.canResume(from)) {
    return { kind: "follow", request: { after: from, opening: [RETRY], end, idles: false, run, client } };
  }
  const seq = over ? (record.end_seq ?? 0) : life.journal.released;
  const opening = withRetry(resyncOpening(life, record.run, over ? terminalOf(life, seq) : null, seq, client));
  return { kind: "follow", request: { after: seq, opening, bare: true, end, idles: false, run, client } };
}

function* withRetry(opening: Iterable<string>): Generator<string> {
  yield RETRY;
  yield* opening;
}

function beginOf(record: RunRecord): number | null {
  return record.start_seq === null ? null : record.start_seq - 1;
}

/** The stored terminal event. */
function terminalOf(life: Life, seq: number) {
  const [row]: JournalRow[] = life.journal.replay.rowsAfter(seq - 1, 1);
  return row === undefined ? null : (life.journal.replay.eventsOf(row, seq - 1)[0]?.event ?? null);
}

/** The stream of a run that ended before it started. Its events have no numbers, so the frames have no ids. */
export function neverStarted(life: Life, record: RunRecord): string {
  const { thread_id: threadId, invocation_id: runId } = record.run;
  return [
    RETRY_NEVER,
    frameOf(null, { type: "RUN_STARTED", threadId, runId, protocolVersion: "1.0" }),
    frameOf(null, { type: "STATE_SNAPSHOT", snapshot: life.state.value }),
    frameOf(null, runEnded(record.run, [])),
  ].join("");
}

/**
 * Closes readers of the thread's stream once nothing has run for a minute. Without a reader it sets no timer, since a
 * timer holds the object in memory, which is billed.
 */
export function watchIdle(life: Life): void {
  life.cancelIdle?.();
  life.cancelIdle = null;
  if (life.live.size > 0 || !life.readers.hasIdle) return;
  life.cancelIdle = life.ports.clock.setTimer(() => {
    life.cancelIdle = null;
    if (life.live.size === 0) life.readers.closeIdle(RETRY_IDLE);
    // A reader that is still catching up gets another minute.
    watchIdle(life);
  }, IDLE_MS);
}

/** Cuts the readers whose key no longer holds. One statement for all of them, for which nothing waits. */
export function checkReaders(life: Life): void {
  const { readers, ports, thread, platform } = life;
  const { openers } = readers;
  if (openers.length === 0) return;
  const find = (key_ids: string[]) => ports.findEndedKeys(thread.user_id, key_ids);
  const cut = ({ ended, failure }: KeyCheck): void => {
    if (failure !== null) noteFailure(life, failure);
    readers.cutOpenedBy(ended);
  };
  platform.waitUntil(checkKeys(ports.clock, openers, find).then(cut));
}

/** Once for an outage, not every ten seconds. */
function noteFailure(life: Life, failure: unknown): void {
  const reason = failure instanceof Error ? failure.message : "unknown";
  const message = `the keys of readers could not be checked: ${reason}`;
  if (life.errors.at(-1)?.message !== message) noteError(life, message);
}

/** Drops frames of runs that are over and that every reader has. */
export function trimMemory(life: Life): void {
  const { journal, readers } = life;
  if (journal.log.memory === 0) return;
  const start = life.active?.record.start_seq ?? null;
  const limit = start === null ? journal.released : start - 1;
  if (limit <= journal.log.floor) return;
  journal.log.forget(Math.min(limit, readers.lowestCursor()));
}
