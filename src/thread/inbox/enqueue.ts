// Puts a new run at the end of the inbox.
import { chainOf } from "../../protocol/chain.ts";
import { noUsage, type Run } from "../../protocol/run.ts";
import type { PinnedAgent, RunInput } from "../../protocol/thread.ts";
import { followRun } from "../follow/followers.ts";
import { isoTime, type Life } from "../life.ts";
import { insertRun, type RunRecord } from "../rows/runs.ts";
import { lowestCaps } from "../usage/pinned.ts";
import type { RunSpending } from "../usage/state.ts";

/** Stores a new run, which may have begun, and marks it for D1. Inside a transaction. */
export function storeNewRun(life: Life, record: RunRecord): void {
  insertRun(life.database.sql, record, life.journal.newest);
  life.live.set(record.run.invocation_id, record);
  life.lastPosition = Math.max(life.lastPosition, record.position);
  life.outbox.markRun(record);
  followRun(life, record.run);
}

/** Makes the record of a run that waits to start. */
export function newRecord(
  life: Life,
  input: RunInput,
  hash: string,
  agent: PinnedAgent,
  spending: RunSpending,
): RunRecord {
  const { invocation_id, metadata, background } = input;
  const caps = lowestCaps(spending.caps);
  const run: Run = {
    invocation_id,
    thread_id: life.thread.thread_id,
    project_id: life.thread.project_id,
    user_id: life.thread.user_id,
    agent_id: agent.agent_id,
    agent_version: agent.version,
    model: input.model ?? agent.config.model ?? life.ports.default_model,
    instance_id: null,
    status: "queued",
    attempt: 0,
    steps: 0,
    background,
    resumes: null,
    metadata,
    usage: noUsage,
    ...(caps === undefined ? {} : { caps }),
    result: null,
    error: null,
    interrupts: [],
    ...chainOf(input.chain),
    created_at: isoTime(life),
    started_at: null,
    finished_at: null,
  };
  return {
    run,
    spending,
    stored: { usage: run.usage, spending },
    position: life.lastPosition + 1,
    released: false,
    startable: !background,
    hash,
    input,
    agent,
    start_seq: null,
    end_seq: null,
    lives: [],
    started_calls: [],
    requested_end: null,
    version: 1,
  };
}
