// The events of a run as a list that a person can read: what comes in many small pieces is one row, and what only closes
// something is none.
import type { PatchOperation, ThreadEvent } from "../../protocol/event.ts";
import { isSilentTool } from "../client/tool-title.ts";
import type { Happened } from "../state/thread-view.ts";

export type RowKind =
  | "begun"
  | "resync"
  | "task"
  | "taskDone"
  | "said"
  | "told"
  | "thought"
  | "call"
  | "result"
  | "output"
  | "plan"
  | "sandbox"
  | "retry"
  | "finished"
  | "error";

export interface ActivityRow {
  key: string;
  kind: RowKind;
  /** Of a task the id, of an outcome its name; else what is to be read. */
  subject: string;
  isBad: boolean;
  /** How many events it stands for. */
  count: number;
  /** When it happened; null where this page heard of it only later. */
  at: number | null;
}

export interface RunActivity {
  run: string;
  rows: ActivityRow[];
  omitted: number;
}

const mostRows = 300;
const mostCharacters = 160;
/** What is told of the past comes within this time, all at once. */
const burstMs = 1_500;

/** `started` is when each run began by the server's clock, as far as that is known. */
export function readActivity(activity: readonly Happened[], started: ReadonlyMap<string, number>): RunActivity[] {
  const runs: { run: string; heardAt: number; events: Happened[]; isLate: boolean }[] = [];
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
    // A stream that is read once more tells the same again.
    if (id !== null && seen.has(id)) continue;
    if (id !== null) seen.add(id);
    current?.events.push(happened);
  }
  return runs.map(({ run, events, heardAt, isLate }) => {
    const silent = new Set<string>();
    const rows = events.reduce<ActivityRow[]>((list, { event, at, id }, place) => {
      if (event.type === "TOOL_CALL_START" && isSilentTool(event.toolCallName)) silent.add(event.toolCallId);
      const row = describeEvent(event);
      // What these answer is the plan once more, in a form for models.
      const isEcho = event.type === "TOOL_CALL_RESULT" && silent.has(event.toolCallId) && row?.isBad === false;
      if (row === null || isEcho) return list;
      const time = isLate && at - heardAt < burstMs ? null : at;
      const last = list.at(-1);
      if (last && last.kind === row.kind && (row.kind === "output" || row.kind === "plan")) {
        list[list.length - 1] = { ...last, subject: row.subject || last.subject, count: last.count + 1 };
      } else list.push({ ...row, key: id ?? `${place}`, count: 1, at: time });
      return list;
    }, []);
    const omitted = Math.max(0, rows.length - mostRows);
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
      return row(event.role === "user" ? "told" : "said");
    case "REASONING_MESSAGE_START":
      return row("thought");
    case "TOOL_CALL_START":
      return row("call", event.toolCallName);
    case "TOOL_CALL_RESULT":
      return row("result", event.content, /^(error|interrupted)\b|^exit_code: (?!0\b)/i.test(event.content));
    case "STATE_DELTA":
      return event.delta.some(isOfPlan) ? row("plan") : null;
    case "RUN_FINISHED":
      return row("finished", event.outcome.type);
    case "RUN_ERROR":
      return row("error", event.message, true);
    case "CUSTOM":
      if (event.name === "tool_output") return row("output", event.value.text);
      if (event.name === "sandbox") return row("sandbox", event.value.message || event.value.state);
      return row("retry", event.value.model ?? "");
    default:
      return null;
  }
}

function isOfPlan({ path }: PatchOperation): boolean {
  return path.startsWith("/plan");
}

/** Its first line that says something. */
function shorten(text: string): string {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: colours of terminals are none here
  const plain = text.slice(0, 2_000).replace(/\u001b\[[\d;?]*[a-z]/gi, "");
  const line = plain.split("\n").find((each) => each.trim() !== "") ?? "";
  return line.length > mostCharacters ? `${line.slice(0, mostCharacters).toWellFormed()}…` : line;
}
