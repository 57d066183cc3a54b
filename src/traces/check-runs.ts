// Checks that a person has run again belong to no run, so they have a trace of their own: a span for them, and below it
// one for each look. Nothing is remembered between its calls, since any life may end them: ids and times are those of
// what is stored.
import type { CheckRunner } from "../agent/checks/runner.ts";
import type { CheckRun } from "../protocol/plan/check-run.ts";
import { type SeenSpan, traceChecks } from "./checks.ts";
import type { Content } from "./content.ts";
import { deriveIds, isSampled, newSpanId, readTraceParent, type Span } from "./span.ts";

/** What is stored of them. */
export interface TracedCheckRun {
  run: CheckRun;
  user_id: string;
  project_id: string | null;
  lives: number;
  traceparent: string | undefined;
}

export interface CheckRunTracing {
  /** Each look becomes a span. */
  wrapCheckRun(checks: CheckRunner, traced: TracedCheckRun): CheckRunner;
  /** They have ended and are stored. */
  endCheckRun(traced: TracedCheckRun): void;
}

export interface CheckRunTracingPorts {
  ratio: number;
  content: Content | null;
  add: (span: Span, is_last?: boolean) => void;
  /** A mistake in it costs a span. */
  safely: (work: () => void) => void;
}

export function traceCheckRuns({ ratio, content, add, safely }: CheckRunTracingPorts): CheckRunTracing {
  return {
    wrapCheckRun: (checks, traced) =>
      traceChecks(checks, content, (describe) =>
        safely(() => {
          const ids = findIds(traced, ratio);
          if (ids === null) return;
          const { trace_id, root_id: parent_id } = ids;
          for (const look of describe()) add(toSpan({ trace_id, parent_id, span_id: newSpanId() }, traced, look));
        }),
      ),
    endCheckRun: (traced) =>
      safely(() => {
        const ids = findIds(traced, ratio);
        if (ids === null) return;
        const { trace_id, root_id: span_id, parent_id } = ids;
        const place = { trace_id, span_id, parent_id, is_parent_remote: parent_id !== null };
        add(toSpan(place, traced, describeCheckRun(traced)), true);
      }),
  };
}

/** Null if they are not sampled. A client may use an id again, once another request was the last. */
function findIds({ run, user_id, traceparent }: TracedCheckRun, ratio: number) {
  const { check_run_id, thread_id, created_at } = run;
  const own = deriveIds({ user_id, thread_id, invocation_id: `checks ${check_run_id} ${created_at}` });
  const parent = readTraceParent(traceparent);
  const trace_id = parent?.trace_id ?? own.trace_id;
  if (parent?.is_sampled === false || !isSampled(trace_id, ratio)) return null;
  return { trace_id, root_id: own.root_id, parent_id: parent?.span_id ?? null };
}

type Place = Pick<Span, "trace_id" | "span_id" | "parent_id" | "is_parent_remote">;

function toSpan(place: Place, { run }: TracedCheckRun, { attributes, ...seen }: SeenSpan): Span {
  return {
    ...place,
    kind: "internal",
    ...seen,
    attributes: { "gen_ai.conversation.id": run.thread_id, ...attributes },
  };
}

const errors: Record<CheckRun["status"], string | null> = {
  running: null,
  completed: null,
  cancelled: "cancelled",
  failed: "checks_failed",
};

function describeCheckRun({ run, user_id, project_id, lives }: TracedCheckRun): SeenSpan {
  const start = Date.parse(run.created_at);
  const error = errors[run.status];
  return {
    name: "run_checks",
    start,
    end: Date.parse(run.finished_at ?? "") || start,
    attributes: {
      "taskloom.check_run.id": run.check_run_id,
      "taskloom.check_run.status": run.status,
      "taskloom.check_run.tasks": run.task_ids.length,
      "taskloom.check_run.receipts": run.receipt_ids.length,
      "taskloom.check_run.attempt": lives,
      "taskloom.project.id": project_id ?? undefined,
      "user.id": user_id,
      "error.type": error ?? undefined,
    },
    error,
  };
}
