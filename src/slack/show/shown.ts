// What of a run is shown in Slack, and how each answer changes that: done, refused, rate limited, or unknown.
import type { SlackAnswer } from "../api.ts";

export interface ShownPage {
  ts: string;
  /** A `lost` message was deleted, or can't be changed. It is left as it is. */
  state: "streaming" | "still" | "lost";
  /** For a stream: how many characters of the page's text it has. */
  sent: number;
  /** The mark of that text for a stream, else of the whole message. Empty if it is not known what the message shows. */
  mark: string;
  /** For a stream: the marks of the tasks that it has, by id. */
  tasks: Record<string, string>;
}

export type Creation = "start" | "post" | "control" | "question";

/** What of a run is shown. It is stored before each call, so the names of its fields stay. */
export interface Shown {
  pages: ShownPage[];
  /** Whether Slack accepts streams here. */
  streams: boolean;
  /** Whether messages are sent without blocks, because Slack has refused them. */
  plain: boolean;
  hasStatus: boolean;
  /** The message with the button that stops the run; null if there is none. */
  control: string | null;
  controlRefused: boolean;
  /** The message with the run's questions. Clicks change it, so it is posted once. */
  question: string | null;
  /** Whether the buttons of the run before are removed. */
  hasClosed: boolean;
  /** The current call. If a new life finds one, its outcome is in doubt. */
  doing: { kind: Step["kind"]; page: number } | null;
  /** A message that may have been posted. */
  doubt: Creation | null;
  /** How many calls in a row have failed. */
  failures: number;
  /** No call before this time, in ms. */
  blockedUntil: number;
  /** No calls beside the run's text before this, in ms. Slack limits each method, and text never waits for buttons. */
  asideUntil: number;
  /** No calls for the run's text before this, in ms, because appends and updates are frequent. */
  pacedUntil: number;
  pace: number;
}

export type Step =
  | { kind: "wait"; until: number | null }
  | { kind: "over" }
  | (Call & { kind: Creation | "append" | "stop" | "update" | "delete" | "status" | "find" | "close" });

export interface Call {
  method: string;
  fields: Record<string, unknown>;
  page: number;
  /** Returns what is shown after the call was carried out. */
  done: (shown: Shown, body: Record<string, unknown>) => Shown;
}

/** Slack allows an app a hundred appends a minute in a workspace, for all threads. A rate limit slows the run down. */
const APPEND_MS = 1_200;
/** Slack allows fifty updates a minute. */
const UPDATE_MS = 3_000;
const MAX_PACE_MS = 30_000;
const FIRST_RETRY_MS = 2_000;
const MAX_RETRY_MS = 5 * 60_000;
/** The calls for the run's text, which are paced. */
const textCalls: ReadonlySet<Step["kind"]> = new Set(["start", "post", "append", "update"]);
/** After more refusals in a row than this, showing the run ends. */
const MAX_REFUSALS = 8;

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

/** Puts a call in doubt that a new life finds unfinished. */
export function recoverShown(shown: Shown): Shown {
  const { doing } = shown;
  return doing === null ? shown : putInDoubt({ ...shown, doing: null }, doing.kind, doing.page);
}

export function withPage(shown: Shown, place: number, page: ShownPage): Shown {
  const pages = [...shown.pages];
  pages[place] = page;
  return { ...shown, pages };
}

export function withoutPage(shown: Shown, place: number): Shown {
  return { ...shown, pages: shown.pages.filter((_, at) => at !== place) };
}

/** Returns what is shown after an answer; null if nothing can be shown there any more. */
export function applyAnswer(shown: Shown, step: Extract<Step, Call>, answer: SlackAnswer, now: number): Shown | null {
  const before: Shown = { ...shown, doing: null };
  if (answer.kind === "done" && (!createsMessage(step.kind) || typeof answer.body.ts === "string")) {
    const failures = isProgress(before, step) ? 0 : before.failures;
    const after = step.done({ ...before, failures }, answer.body);
    const pace = Math.max(step.kind === "update" ? UPDATE_MS : APPEND_MS, Math.floor(before.pace * 0.9));
    return { ...after, pace, pacedUntil: textCalls.has(step.kind) ? now + pace : after.pacedUntil };
  }
  if (answer.kind === "later") {
    if (step.kind === "status") return { ...before, hasStatus: true };
    if (step.kind === "control" || step.kind === "close" || (step.kind === "delete" && step.page < 0)) {
      return { ...before, asideUntil: now + answer.after_ms };
    }
    const pace = Math.min(MAX_PACE_MS, before.pace * 2);
    return { ...before, pace, blockedUntil: now + answer.after_ms };
  }
  // An answer without the new message's id also leaves the message to be found.
  if (answer.kind === "unknown" || answer.kind === "done") {
    if (step.kind === "status") return { ...before, hasStatus: true };
    const failures = before.failures + 1;
    const blockedUntil = now + Math.min(MAX_RETRY_MS, FIRST_RETRY_MS * 2 ** (failures - 1));
    return putInDoubt({ ...before, failures, blockedUntil }, step.kind, step.page);
  }
  // The status is optional.
  if (step.kind === "status") return { ...before, hasStatus: true };
  if (unreachableErrors.has(answer.error)) return null;
  const failures = before.failures + 1;
  if (failures > MAX_REFUSALS) return null;
  return fallBack({ ...before, failures }, step, answer.error);
}

/** A call that only prepares another one is no progress, because the other one may fail each time. */
function isProgress({ pages }: Shown, { kind, page }: Extract<Step, Call>): boolean {
  const isBareStop = kind === "stop" && (pages[page]?.mark ?? "") === "";
  return kind !== "find" && !isBareStop;
}

/** Errors after which nothing can be shown in this place. */
const unreachableErrors = new Set([
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

/** Chooses another way to show the same after a refusal. */
function fallBack(shown: Shown, { kind, page }: Extract<Step, Call>, error: string): Shown {
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
      // The stream has ended by itself, or refuses the content: the whole message is replaced.
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
      if (messageLostErrors.has(error)) return withPage(shown, page, { ...at, state: "lost" });
      return { ...shown, plain: true };
    case "delete":
      if (page < 0) return { ...shown, control: null, controlRefused: true };
      // It was deleted already, or stays as it is. A text that follows gets its own message.
      return withoutPage(shown, page);
  }
}

const messageLostErrors = new Set(["message_not_found", "cant_update_message", "edit_window_closed"]);

function isStopped(error: string): boolean {
  return error === "message_not_in_streaming_state" || error === "message_not_owned_by_app";
}

function createsMessage(kind: Step["kind"]): kind is Creation {
  return kind === "start" || kind === "post" || kind === "control" || kind === "question";
}

function putInDoubt(shown: Shown, kind: Step["kind"], page: number): Shown {
  if (createsMessage(kind)) return { ...shown, doubt: kind };
  const at = shown.pages[page];
  // An append or a stop may have been carried out, so the text is not known. Updates and deletes can be repeated.
  if ((kind === "append" || kind === "stop") && at !== undefined) return withPage(shown, page, { ...at, mark: "" });
  return shown;
}
