// Turns the events of a run into rows that a person can read: many small pieces are one row, and an event that only
// ends something is none.
import type { PatchOperation, ThreadEvent } from "../../protocol/event.ts";
import { isSilentTool, withoutFences } from "../client/tool-title.ts";
import type { TimedEvent } from "../state/thread-view.ts";

export type RowKind =
  | "begun"
  | "resync"
  | "task"
  | "taskDone"
  | "said"
  | "sent"
  | "thought"
  | "call"
  | "result"
  | "output"
  | "plan"
  | "sandbox"
  | "retry"
  | "sources"
  | "check"
  | "finished"
  | "error";

export interface ActivityRow {
  key: string;
  kind: RowKind;
  /** For a task its id, for an outcome its name; otherwise the text to show. */
  subject: string;
  isBad: boolean;
  /** How many events it stands for. */
  count: number;
  /** When it happened; null where the page learned of it only later. */
  at: number | null;
}

export interface RunActivity {
  run: string;
  rows: ActivityRow[];
  omitted: number;
}

const maxRows = 300;
const maxCharacters = 160;
/** Past events arrive in one burst, within this time. */
const burstMs = 1_500;

/** `started` is when each run began by the server's clock, where known. */
export function readActivity(activity: readonly TimedEvent[], started: ReadonlyMap<string, number>): RunActivity[] {
  const runs: { run: string; heardAt: number; events: TimedEvent[]; isLate: boolean }[] = [];
  let current: (typeof runs)[number] | undefined;
  const seen = new Set<string>();
  for (const happened of activity) {
    const { event, at, id } = happened;
    if (event.type === "RUN_STARTED") {
      current = runs.find(({ run }) => run === event.runId);
      if (!current) {
        current = {
          run: event.runId,
          heardAt: at,
          events: [],
          isLate: at - (started.get(event.runId) ?? at) > burstMs,
        };
        runs.push(current);
      }
    }
    // A stream that is read again repeats its events.
    if (id !== null && seen.has(id)) continue;
    if (id !== null) seen.add(id);
    current?.events.push(happened);
  }
  return runs.map(({ run, events, heardAt, isLate }) => {
    const silent = new Set<string>();
    const rows = events.reduce<ActivityRow[]>((list, { event, at, id }, place) => {
      if (event.type === "TOOL_CALL_START" && isSilentTool(event.toolCallName)) silent.add(event.toolCallId);
      const row = describeEvent(event);
      // The results of these tools are in a form for models.
      const isEcho = event.type === "TOOL_CALL_RESULT" && silent.has(event.toolCallId) && row?.isBad === false;
      if (row === null || isEcho) return list;
      const time = isLate && at - heardAt < burstMs ? null : at;
      const last = list.at(-1);
      if (last && last.kind === row.kind && (row.kind === "output" || row.kind === "plan")) {
        list[list.length - 1] = { ...last, subject: row.subject || last.subject, count: last.count + 1 };
      } else list.push({ ...row, key: id ?? `${place}`, count: 1, at: time });
      return list;
    }, []);
    const omitted = Math.max(0, rows.length - maxRows);
    return { run, rows: rows.slice(omitted), omitted };
  });
}

function describeEvent(event: ThreadEvent): Pick<ActivityRow, "kind" | "subject" | "isBad"> | null {
  const row = (kind: RowKind, subject = "", isBad = false) => ({ kind, subject: shorten(subject), isBad });
  switch (event.type) {
    case "RUN_STARTED":
      return row(event.metadata?.resync ? "resync" : "begun");
    case "STEP_STARTED":
      return row("task", event.stepName);
    case "STEP_FINISHED":
      return row("taskDone", event.stepName);
    case "TEXT_MESSAGE_START":
      return row(event.role === "user" ? "sent" : "said");
    case "REASONING_MESSAGE_START":
      return row("thought");
    case "TOOL_CALL_START":
      return row("call", event.toolCallName);
    case "TOOL_CALL_RESULT":
      return row(
        "result",
        withoutFences(event.content),
        /^(error|interrupted)\b|^exit_code: (?!0\b)/i.test(event.content),
      );
    case "STATE_DELTA":
      return event.delta.some(isOfPlan) ? row("plan") : null;
    case "RUN_FINISHED":
      return row("finished", event.outcome.type);
    case "RUN_ERROR":
      return row("error", event.message, true);
    case "CUSTOM":
      if (event.name === "tool_output") return row("output", event.value.text);
      if (event.name === "sandbox") return row("sandbox", event.value.message || event.value.state);
      if (event.name === "sources") return row("sources", event.value.sources.map(({ n }) => `[${n}]`).join(" "));
      if (event.name === "receipt") return row("check", event.value.reason, event.value.outcome === "failed");
      return event.name === "usage" ? null : row("retry", event.value.model ?? "");
    default:
      return null;
  }
}

function isOfPlan({ path }: PatchOperation): boolean {
  return path.startsWith("/plan");
}

/** The first line that is not empty. */
function shorten(text: string): string {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: colours of terminals are none here
  const plain = text.slice(0, 2_000).replace(/\u001b\[[\d;?]*[a-z]/gi, "");
  const line = plain.split("\n").find((each) => each.trim() !== "") ?? "";
  return line.length > maxCharacters ? `${line.slice(0, maxCharacters).toWellFormed()}…` : line;
}
