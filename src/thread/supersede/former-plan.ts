// The plan as it was before a turn. The journal has the state with which each run started, and each change since.

import { checksOf } from "../../agent/plan/view.ts";
import { applyPatch } from "../../lib/json/patch.ts";
import { logWarning } from "../../lib/log.ts";
import type { PatchOperation, ThreadEvent } from "../../protocol/event.ts";
import type { Plan, PlanState } from "../../protocol/plan/task.ts";
import { withoutOutdated } from "../checks/unseen.ts";
import { findRun, type Life } from "../life.ts";
import type { Sql } from "../rows/database.ts";
import { recallNumbers } from "../rows/messages.ts";
import type { RunRecord } from "../rows/runs.ts";
import { readEvents, readRows } from "../stream/journal/rows.ts";
import { readStartEvents } from "./start-events.ts";
import type { Turn } from "./turn.ts";

/** Null if the plan did not change since, or if nobody knows what it was: then it stays as it is. */
export function findFormerPlan(life: Life, turn: Turn): Plan | null {
  const now = life.state.plan;
  if (now.version === 0) return null;
  const run = turn.invocation_id === null ? null : findRun(life, turn.invocation_id);
  const before = run === null ? null : readPlanBefore(life, run, turn.message_id);
  if (before === null) {
    logWarning("former_plan_unknown", { thread_id: life.thread.thread_id, message_id: turn.message_id });
    return null;
  }
  const plan = recallNumbers(life.database.sql, { ...toPlan(before), version: now.version + 1 });
  return isSame(plan, now) ? null : withoutOutdated(plan, now);
}

function readPlanBefore(life: Life, run: RunRecord, message_id: string): PlanState | null {
  const { messages, plan } = readStartEvents(life, run);
  if (plan === null || messages.includes(message_id)) return plan;
  // The message came while the run was at work.
  try {
    let state: unknown = { plan };
    for (const event of readLaterEvents(life.database.sql, run, message_id)) {
      if (event.type === "TEXT_MESSAGE_START" && event.messageId === message_id)
        return (state as { plan: PlanState }).plan;
      if (event.type === "STATE_DELTA") state = applyPatch(state, event.delta.filter(isOfPlan));
    }
  } catch {
    // A change that can't be read, or that does not fit.
  }
  return null;
}

function isOfPlan({ path }: PatchOperation): boolean {
  return path === "/plan" || path.startsWith("/plan/");
}

/** Changes of the state after the run's first one, and the one with the message. */
function* readLaterEvents(sql: Sql, { start_seq, run }: RunRecord, message_id: string): Generator<ThreadEvent> {
  const started = (start_seq ?? 0) + 1;
  const rows = sql
    .exec<{ seq: number }>(
      `SELECT seq FROM journal WHERE seq > ? AND invocation_id = ?
       AND (events IS NULL OR instr(events, '"STATE_DELTA"') > 0 OR instr(events, ?) > 0) ORDER BY seq`,
      started,
      run.invocation_id,
      JSON.stringify(message_id),
    )
    .toArray();
  for (const { seq } of rows) {
    const [row] = readRows(sql, seq - 1, seq, 1);
    // What stands in one row with the run's start may have come before it.
    if (row !== undefined) for (const { event } of readEvents(sql, row, started, false)) yield event;
  }
}

function toPlan({ sections }: PlanState): Omit<Plan, "version"> {
  return {
    sections: sections.map(({ id, title }) => ({ id, title })),
    tasks: sections.flatMap(({ id: section_id, tasks }) =>
      tasks.map((task) => {
        const { id, content, status } = task;
        return { id, content, status, section_id, ...checksOf(task) };
      }),
    ),
  };
}

function isSame(one: Plan, other: Plan): boolean {
  const shown = ({ sections, tasks }: Plan) =>
    JSON.stringify([
      sections.map(({ id, title }) => [id, title]),
      sections.map(({ id }) =>
        tasks
          .filter(({ section_id }) => section_id === id)
          .map((task) => [task.id, task.content, task.status, checksOf(task)]),
      ),
    ]);
  return shown(one) === shown(other);
}
