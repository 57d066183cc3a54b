// What of a run is shown in Slack, and what becomes of that with each answer: done, refused, put off, or not known.
import type { SlackAnswer } from "../api.ts";

export interface ShownPage {
  ts: string;
  /** `lost` is gone, or can't be changed: what it shows is left as it is. */
  state: "streaming" | "still" | "lost";
  /** Of a stream: how much of the page's text it has. */
  sent: number;
  /** Of a stream the mark of that text, else of the whole message; empty where what it shows is not known. */
  mark: string;
  /** Of a stream: the marks of the tasks that it has, by id. */
  tasks: Record<string, string>;
}

export type Making = "start" | "post" | "control" | "question";

/** What of a run is shown. Stored before each call. */
export interface Shown {
  pages: ShownPage[];
  /** Whether Slack takes streams here. */
  streams: boolean;
  /** Whether it takes our blocks. */
  plain: boolean;
  hasStatus: boolean;
  /** The message with the button that stops the run; null where there is none. */
  control: string | null;
  controlRefused: boolean;
  /** The message that asks what the run asked; clicks change it, so it is posted once. */
  question: string | null;
  /** Whether the buttons of the run before are gone. */
  hasClosed: boolean;
  /** The call under way. One that is found by a new life is in doubt. */
  doing: { kind: Step["kind"]; page: number } | null;
  /** A message that may have been posted. */
  doubt: Making | null;
  /** Calls that failed one after another. */
  failures: number;
  /** No call before this, in ms. */
  blockedUntil: number;
  /** Nothing but what the run says before this, in ms: Slack's limits are each method's own, and no word waits for a button. */
  asideUntil: number;
  /** Nothing of what the run says before this, in ms: appends and updates are many. */
  pacedUntil: number;
  pace: number;
}

export type Step =
  | { kind: "wait"; until: number | null }
  | { kind: "over" }
  | (Call & { kind: Making | "append" | "stop" | "update" | "delete" | "status" | "find" | "close" });

export interface Call {
  method: string;
  fields: Record<string, unknown>;
  page: number;
  /** What is shown once it was done. */
  done: (shown: Shown, body: Record<string, unknown>) => Shown;
}

/** Slack allows a hundred appends a minute to an app in a workspace, for all its threads; what is refused slows this one down. */
const APPEND_MS = 1_200;
/** And fifty updates. */
const UPDATE_MS = 3_000;
const SLOWEST_MS = 30_000;
const FIRST_RETRY_MS = 2_000;
const LONGEST_RETRY_MS = 5 * 60_000;
/** What may be followed by more of the same. */
const saying: ReadonlySet<Step["kind"]> = new Set(["start", "post", "append", "update"]);
/** Refusals one after another that no other way went around. */
const MOST_REFUSALS = 8;

export const nothingShown: Shown = {
  pages: [],
  streams: true,
  plain: false,
  hasStatus: false,
  control: null,
  controlRefused: false,
  question: null,
  hasClosed: false,
  doing: null,
  doubt: null,
  failures: 0,
  blockedUntil: 0,
  asideUntil: 0,
  pacedUntil: 0,
  pace: APPEND_MS,
};

/** What a life makes of a call that it finds under way. */
export function recoverShown(shown: Shown): Shown {
  const { doing } = shown;
  return doing === null ? shown : inDoubt({ ...shown, doing: null }, doing.kind, doing.page);
}

export function withPage(shown: Shown, place: number, page: ShownPage): Shown {
  const pages = [...shown.pages];
  pages[place] = page;
  return { ...shown, pages };
}

export function withoutPage(shown: Shown, place: number): Shown {
  return { ...shown, pages: shown.pages.filter((_, at) => at !== place) };
}

/** What is shown after an answer; null where there is no place to show it any more. */
export function applyAnswer(shown: Shown, step: Extract<Step, Call>, answer: SlackAnswer, now: number): Shown | null {
  const before: Shown = { ...shown, doing: null };
  if (answer.kind === "done" && (!isMaking(step.kind) || typeof answer.body.ts === "string")) {
    const failures = isProgress(before, step) ? 0 : before.failures;
    const after = step.done({ ...before, failures }, answer.body);
    const pace = Math.max(step.kind === "update" ? UPDATE_MS : APPEND_MS, Math.floor(before.pace * 0.9));
    return { ...after, pace, pacedUntil: saying.has(step.kind) ? now + pace : after.pacedUntil };
  }
  if (answer.kind === "later") {
    if (step.kind === "status") return { ...before, hasStatus: true };
    if (step.kind === "control" || step.kind === "close" || (step.kind === "delete" && step.page < 0)) {
      return { ...before, asideUntil: now + answer.after_ms };
    }
    const pace = Math.min(SLOWEST_MS, before.pace * 2);
    return { ...before, pace, blockedUntil: now + answer.after_ms };
  }
  // A message that was made and is not named has to be found, too.
  if (answer.kind === "unknown" || answer.kind === "done") {
    if (step.kind === "status") return { ...before, hasStatus: true };
    const failures = before.failures + 1;
    const blockedUntil = now + Math.min(LONGEST_RETRY_MS, FIRST_RETRY_MS * 2 ** (failures - 1));
    return inDoubt({ ...before, failures, blockedUntil }, step.kind, step.page);
  }
  // Nothing depends on it.
  if (step.kind === "status") return { ...before, hasStatus: true };
  if (hopeless.has(answer.error)) return null;
  const failures = before.failures + 1;
  if (failures > MOST_REFUSALS) return null;
  return goAround({ ...before, failures }, step, answer.error);
}

/** What only prepares another call is no success: that one may fail each time. */
function isProgress({ pages }: Shown, { kind, page }: Extract<Step, Call>): boolean {
  const isBareStop = kind === "stop" && (pages[page]?.mark ?? "") === "";
  return kind !== "find" && !isBareStop;
}

/** Where nothing can be shown whatever is tried. */
const hopeless = new Set([
  "account_inactive",
  "channel_not_found",
  "invalid_auth",
  "is_archived",
  "is_inactive",
  "no_permission",
  "not_authed",
  "not_in_channel",
  "org_login_required",
  "restricted_action",
  "team_access_not_granted",
  "thread_not_found",
  "token_expired",
  "token_revoked",
]);

/** Another way to show the same, where Slack refused this one. */
function goAround(shown: Shown, { kind, page }: Extract<Step, Call>, error: string): Shown {
  const at = shown.pages[page];
  switch (kind) {
    case "status":
      return { ...shown, hasStatus: true };
    case "close":
      return { ...shown, hasClosed: true };
    case "start":
      return { ...shown, streams: false };
    case "control":
      return { ...shown, controlRefused: true };
    case "find":
      return { ...shown, doubt: null };
    case "post":
    case "question":
      return { ...shown, plain: true };
    case "append":
    case "stop":
      // It has ended by itself, or takes no more of this: it is replaced as a whole.
      if (at === undefined) return shown;
      if (error === "message_not_found" || error === "stopped_by_user")
        return withPage(shown, page, { ...at, state: "lost" });
      return withPage(shown, page, {
        ...at,
        state: kind === "stop" || isStopped(error) ? "still" : "streaming",
        mark: "",
      });
    case "update":
      if (at === undefined) return shown;
      if (error === "streaming_state_conflict") return withPage(shown, page, { ...at, state: "streaming", mark: "" });
      if (lost.has(error)) return withPage(shown, page, { ...at, state: "lost" });
      return { ...shown, plain: true };
    case "delete":
      if (page < 0) return { ...shown, control: null, controlRefused: true };
      // It is gone, or stays as it is: a text that comes in its place has a message of its own.
      return withoutPage(shown, page);
  }
}

const lost = new Set(["message_not_found", "cant_update_message", "edit_window_closed"]);

function isStopped(error: string): boolean {
  return error === "message_not_in_streaming_state" || error === "message_not_owned_by_app";
}

function isMaking(kind: Step["kind"]): kind is Making {
  return kind === "start" || kind === "post" || kind === "control" || kind === "question";
}

function inDoubt(shown: Shown, kind: Step["kind"], page: number): Shown {
  if (isMaking(kind)) return { ...shown, doubt: kind };
  const at = shown.pages[page];
  // To append or to stop with a text may have been done; to replace and to delete can be done again.
  if ((kind === "append" || kind === "stop") && at !== undefined) return withPage(shown, page, { ...at, mark: "" });
  return shown;
}
