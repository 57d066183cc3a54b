// A mirror that shows runs in a log, made like one for a chat platform: a line is a message, `append` posts one and
// `replace` edits it. docs/extending.md explains it.
import type { MirrorStep, RunMirror, Sent, Showing } from "../../src/agent/mirror.ts";
import { markOf } from "../../src/lib/text-mark.ts";
import { fail, succeed } from "../../src/protocol/error.ts";
import type { MirrorPlace } from "../../src/protocol/mirror.ts";
import { type Line, linesOf } from "./lines.ts";

/** The platform. If a call rejects, it is not known whether it was carried out. */
export interface Log {
  /** Resolves with the number of the new line, or null if the log is closed for good. */
  append(key: string, text: string): Promise<number | null>;
  replace(line: number, text: string): Promise<void>;
  /** Resolves with the line that was appended with this key; null if there is none. */
  find(key: string): Promise<number | null>;
}

export interface LogPlace extends MirrorPlace {
  kind: "log";
  /** The name of one of the user's logs. */
  name: string;
}

/** What is shown. It is stored with each call, so it has marks of the texts and not the texts. */
export interface LogShown {
  lines: Record<string, { line: number; mark: string }>;
  /** The key of a line that may have been appended or not. */
  doing: string | null;
  /** Whether the question of the run before is closed. */
  hasClosed: boolean;
  failures: number;
  /** No call before this time, in ms. */
  notBefore: number;
}

interface LogQuestion {
  line: number;
}

type Show = Showing<LogPlace, LogShown, LogQuestion>;
type Call = Extract<MirrorStep<LogShown>, { kind: "call" }>;

/** Platforms allow about one edit a second. */
const PACE_MS = 1_000;
const FIRST_RETRY_MS = 2_000;
const MAX_RETRY_MS = 5 * 60_000;

/** `openLog` resolves with null if the user has no log of that name. */
export function createLogMirror(
  openLog: (user_id: string, name: string) => Promise<Log | null>,
): RunMirror<LogPlace, LogShown, LogQuestion> {
  return {
    kind: "log",
    name: "the log",
    nothing: { lines: {}, doing: null, hasClosed: false, failures: 0, notBefore: 0 },
    async open(user_id, { name }) {
      const log = await openLog(user_id, name);
      if (log === null) return fail("not_found", `There is no log ${name}.`);
      return succeed({ next: (showing, now) => nextStep(log, showing, now) });
    },
    question: ({ lines }) => (lines.ask === undefined ? null : { line: lines.ask.line }),
  };
}

function nextStep(log: Log, showing: Show, now: number): MirrorStep<LogShown> {
  const { view, shown } = showing;
  const isOver = view.end !== null;
  // Text that arrives within the pace waits for the next edit. The run's end does not wait, except after a failed call.
  const mustWait = now < shown.notBefore && (!isOver || shown.failures > 0);
  if (mustWait) return { kind: "wait", until: shown.notBefore, isSaid: false };
  const call = findStep(log, showing) ?? closeStep(log, showing) ?? lineStep(log, showing);
  if (call !== null) return call;
  return isOver ? { kind: "over" } : { kind: "wait", until: null, isSaid: false };
}

/** If a life ended or a call failed while a line was appended, looks for that line before any other call. */
function findStep(log: Log, { shown, run }: Show): Call | null {
  const { doing } = shown;
  if (doing === null) return null;
  return call(shown, async () => {
    const line = await log.find(keyOf(run, doing));
    // The line's text is not known, so it is replaced.
    return line === null ? { ...shown, doing: null } : withLine({ ...shown, doing: null }, doing, { line, mark: "" });
  });
}

/** Closes the question of the run before: it was answered, or can no longer be answered. */
function closeStep(log: Log, { asked, shown, view }: Show): Call | null {
  if (asked === null || shown.hasClosed || view.begunAt === null) return null;
  return call(shown, async () => {
    await log.replace(asked.line, "asked, and answered");
    return { ...shown, hasClosed: true };
  });
}

/** Appends or replaces the first line that is not as wanted. Replacing a line twice does no harm. */
function lineStep(log: Log, { view, shown, run }: Show): Call | null {
  const wanted = linesOf(view);
  // While the run works, a repeated reply takes the line of the discarded one.
  if (view.end !== null) wanted.push(...withdrawn(wanted, shown));
  const next = wanted.find(({ key, text }) => shown.lines[key]?.mark !== markOf(text));
  if (next === undefined) return null;
  const { key, text } = next;
  const known = shown.lines[key];
  if (known !== undefined) {
    return call(shown, async () => {
      await log.replace(known.line, text);
      return withLine(shown, key, { line: known.line, mark: markOf(text) });
    });
  }
  const before = { ...shown, doing: key };
  return call(before, async () => {
    const line = await log.append(keyOf(run, key), text);
    return line === null ? null : withLine({ ...before, doing: null }, key, { line, mark: markOf(text) });
  });
}

function withdrawn(wanted: Line[], { lines }: LogShown): Line[] {
  const left = Object.keys(lines).filter((name) => !wanted.some(({ key }) => key === name));
  return left.map((key) => ({ key, text: "(withdrawn)" }));
}

/** One call, with the wait that follows it. `make` resolves with null if the log is closed for good. */
function call(before: LogShown, make: () => Promise<LogShown | null>): Call {
  return {
    kind: "call",
    before,
    async send(now): Promise<Sent<LogShown>> {
      try {
        const shown = await make();
        return shown === null
          ? { gone: "the log is closed" }
          : { shown: { ...shown, failures: 0, notBefore: now() + PACE_MS } };
      } catch (error) {
        const failures = before.failures + 1;
        const notBefore = now() + Math.min(MAX_RETRY_MS, FIRST_RETRY_MS * 2 ** (failures - 1));
        return { shown: { ...before, failures, notBefore }, problem: `the log: ${(error as Error).message}` };
      }
    },
  };
}

function withLine(shown: LogShown, key: string, line: LogShown["lines"][string]): LogShown {
  return { ...shown, lines: { ...shown.lines, [key]: line } };
}

/** Derived from the run, so that the next life finds the line. */
function keyOf({ invocation_id }: Show["run"], key: string): string {
  return `${invocation_id}:${key}`;
}
