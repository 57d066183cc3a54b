// What the journal has of a run's start: its messages, and the plan as it was before it.
import type { ThreadEvent } from "../../protocol/event.ts";
import type { PlanState } from "../../protocol/plan/task.ts";
import type { Life } from "../life.ts";
import type { RunRecord } from "../rows/runs.ts";
import { readEvents, readRows } from "../stream/journal/rows.ts";

export interface StartEvents {
  /** Ids of the messages that it took when it started. */
  messages: string[];
  /** Null if it can't be read. */
  plan: PlanState | null;
}

export function readStartEvents({ database: { sql } }: Life, { start_seq }: RunRecord): StartEvents {
  const nothing = { messages: [], plan: null };
  if (start_seq === null) return nothing;
  const [row] = readRows(sql, start_seq - 1, Number.MAX_SAFE_INTEGER, 1);
  if (row === undefined) return nothing;
  const events: ThreadEvent[] = readEvents(sql, row, start_seq - 1, false).map(({ event }) => event);
  const started = events.find((event) => event.type === "RUN_STARTED");
  const state = events.find((event) => event.type === "STATE_SNAPSHOT");
  return { messages: started?.input?.messages.map(({ id }) => id) ?? [], plan: state?.snapshot.plan ?? null };
}
