// How a run is shown in Slack: what it is to show (the view) is compared with what it shows (`Shown`), and the difference is the
// next call. Pure, so that every order of events, refusals and crashes can be tried.
//
// A reply is streamed: text is appended, and the message stopped at the end. To append is not idempotent, so where it is not
// known whether a call was carried out (no answer, a life that ended amid it), nothing more is appended: the stream is
// stopped and the same message is replaced as a whole, as often as needed. The same goes for a text that turned out void,
// and where Slack takes no stream. A message whose posting is in doubt is looked for in Slack's thread.
import type { SlackPlace } from "../protocol/slack.ts";
import type { SlackAnswer } from "./slack-api.ts";
import { controlBlocks, questionMessage } from "./slack-blocks.ts";
import { type Change, changeOf, type Rendering, render, streamBegin } from "./slack-render.ts";
import type { SlackView } from "./slack-view.ts";

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

type Making = "start" | "post" | "control" | "question";

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
  /** The call under way. One that is found by a new life is in doubt. */
  doing: { kind: Step["kind"]; page: number } | null;
  /** A message that may have been posted. */
  doubt: Making | null;
  /** Calls that failed one after another. */
  failures: number;
  /** No call before this, in ms. */
  blockedUntil: number;
  /** No append or update before this, in ms: they are many. */
  pacedUntil: number;
  pace: number;
}

export type Step =
  | { kind: "wait"; until: number | null }
  | { kind: "over" }
  | (Call & { kind: Making | "append" | "stop" | "update" | "delete" | "status" | "find" });

interface Call {
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
/** A reply that is there by then needs no button to stop it. */
const CONTROL_AFTER_MS = 5_000;
const FIRST_RETRY_MS = 2_000;
const LONGEST_RETRY_MS = 5 * 60_000;
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
  doing: null,
  doubt: null,
  failures: 0,
  blockedUntil: 0,
  pacedUntil: 0,
  pace: APPEND_MS,
};

export interface Showing {
  view: SlackView;
  shown: Shown;
  place: SlackPlace;
  /** The bot's own user. */
  bot: string;
  run: { thread_id: string; invocation_id: string };
}

/** What a life makes of a call that it finds under way. */
export function recoverShown(shown: Shown): Shown {
  const { doing } = shown;
  return doing === null ? shown : inDoubt({ ...shown, doing: null }, doing.kind, doing.page);
}

/** The next call, when to look again, or that all is shown. */
export function nextStep(showing: Showing, now: number): Step {
  const { view, shown } = showing;
  if (now < shown.blockedUntil) return { kind: "wait", until: shown.blockedUntil };
  if (shown.doubt !== null) return findMessage(showing, shown.doubt);
  const isOver = view.end !== null;
  const pages = render(view, showing.place, shown.plain);
  const step = pageStep(showing, pages) ?? questionStep(showing) ?? controlStep(showing, now);
  if (step === null) {
    if (isOver) return { kind: "over" };
    const control = view.begunAt === null || shown.controlRefused || shown.control !== null;
    return { kind: "wait", until: control || shown.pages.length === 0 ? null : (view.begunAt ?? 0) + CONTROL_AFTER_MS };
  }
  const isPaced = step.kind === "append" || step.kind === "update";
  if (isPaced && !isOver && now < shown.pacedUntil) {
    return controlStep(showing, now) ?? { kind: "wait", until: shown.pacedUntil };
  }
  return step;
}

function pageStep(showing: Showing, pages: Rendering[]): Step | null {
  const { shown, view } = showing;
  for (const [place, page] of pages.entries()) {
    const step = reconcile(showing, place, page, place < pages.length - 1 || view.end !== null);
    if (step !== null) return step;
  }
  const surplus = shown.pages.findIndex(({ state }, place) => place >= pages.length && state !== "lost");
  return surplus < 0 ? null : removePage(showing, surplus);
}

/** What makes one message of Slack what it is to be; `isWhole` where nothing is added to it any more. */
function reconcile(showing: Showing, place: number, page: Rendering, isWhole: boolean): Step | null {
  const shown = showing.shown.pages[place];
  if (shown === undefined) return beginPage(showing, place, page, isWhole);
  if (shown.state === "lost") return null;
  if (shown.state === "still") return shown.mark === page.mark ? null : update(showing, place, shown, page);
  const change = changeOf(shown, page, isWhole);
  if (change === null) return stop(showing, place, shown, null, page);
  if (isWhole && change.isLast) return stop(showing, place, shown, change, page);
  return change.chunks.length === 0 ? null : append(showing, place, shown, change);
}

function beginPage(showing: Showing, place: number, page: Rendering, isWhole: boolean): Step | null {
  if (page.isEmpty && !isWhole) return statusStep(showing);
  // The question is all that it says.
  if (page.isEmpty && showing.view.end?.status === "interrupted") return null;
  // How it ended may be all there is.
  if (!showing.shown.streams || page.isEmpty) return post(showing, place, page);
  const { chunks, after } = streamBegin(page);
  const { channel, thread_ts, recipient_user_id, recipient_team_id } = showing.place;
  return {
    kind: "start",
    page: place,
    method: "chat.startStream",
    fields: { channel, thread_ts, recipient_user_id, recipient_team_id, task_display_mode: "plan", chunks },
    done: (before, body) => withPage(before, place, { ts: tsOf(body), state: "streaming", ...after }),
  };
}

/** While nothing is said yet. Slack takes it away with the first message, and after two minutes. */
function statusStep({ view, shown, place }: Showing): Step | null {
  if (shown.hasStatus || view.begunAt === null) return null;
  return {
    kind: "status",
    page: 0,
    method: "assistant.threads.setStatus",
    fields: { channel_id: place.channel, thread_ts: place.thread_ts, status: "is thinking…" },
    done: (before) => ({ ...before, hasStatus: true }),
  };
}

function append({ place }: Showing, at: number, page: ShownPage, change: Change): Step {
  return {
    kind: "append",
    page: at,
    method: "chat.appendStream",
    fields: { channel: place.channel, ts: page.ts, chunks: change.chunks },
    done: (before) => withPage(before, at, { ...page, ...change.after }),
  };
}

/** With what is left to say; without where it is not known what the message shows. */
function stop({ place }: Showing, at: number, page: ShownPage, change: Change | null, whole: Rendering): Step {
  const left = {
    ...(change === null || change.chunks.length === 0 ? {} : { chunks: change.chunks }),
    ...(change === null || whole.end.length === 0 ? {} : { blocks: whole.end }),
  };
  const mark = change === null ? "" : whole.mark;
  return {
    kind: "stop",
    page: at,
    method: "chat.stopStream",
    fields: { channel: place.channel, ts: page.ts, ...left },
    done: (before) => withPage(before, at, { ...page, state: "still", mark, tasks: {} }),
  };
}

function post({ place }: Showing, at: number, page: Rendering): Step {
  const { channel, thread_ts } = place;
  return {
    kind: "post",
    page: at,
    method: "chat.postMessage",
    fields: { channel, thread_ts, unfurl_links: false, unfurl_media: false, ...page.message },
    done: (before, body) => withPage(before, at, stillPage(tsOf(body), page.mark)),
  };
}

function update({ place }: Showing, at: number, shown: ShownPage, page: Rendering): Step {
  return {
    kind: "update",
    page: at,
    method: "chat.update",
    fields: { channel: place.channel, ts: shown.ts, ...page.message },
    done: (before) => withPage(before, at, { ...shown, mark: page.mark }),
  };
}

/** A message of a text that turned out void. */
function removePage({ shown, place }: Showing, at: number): Step {
  const page = shown.pages[at] as ShownPage;
  return {
    kind: "delete",
    page: at,
    method: "chat.delete",
    fields: { channel: place.channel, ts: page.ts },
    done: (before) => ({ ...before, pages: before.pages.filter((_, place) => place !== at) }),
  };
}

function questionStep({ view, shown, place }: Showing): Step | null {
  if (view.end?.status !== "interrupted" || shown.question !== null) return null;
  const { channel, thread_ts } = place;
  const { text, blocks } = questionMessage(view.end, place);
  return {
    kind: "question",
    page: -1,
    method: "chat.postMessage",
    fields: { channel, thread_ts, text, ...(shown.plain ? {} : { blocks }) },
    done: (before, body) => ({ ...before, question: tsOf(body) }),
  };
}

function controlStep({ view, shown, place, run }: Showing, now: number): Step | null {
  const { channel, thread_ts } = place;
  if (view.end !== null) {
    if (shown.control === null) return null;
    return {
      kind: "delete",
      page: -1,
      method: "chat.delete",
      fields: { channel, ts: shown.control },
      done: (before) => ({ ...before, control: null }),
    };
  }
  const isDue = view.begunAt !== null && now >= view.begunAt + CONTROL_AFTER_MS && shown.pages.length > 0;
  if (!isDue || shown.control !== null || shown.controlRefused) return null;
  const chinese = view.texts.some(({ text }) => /\p{Script=Han}/u.test(text));
  const text = chinese ? "进行中…" : "At work…";
  const blocks = controlBlocks(run, chinese);
  if (blocks === null) return null;
  return {
    kind: "control",
    page: -1,
    method: "chat.postMessage",
    fields: { channel, thread_ts, text, blocks },
    done: (before, body) => ({ ...before, control: tsOf(body) }),
  };
}

function findMessage(showing: Showing, doubt: Making): Step {
  const { place, shown, bot } = showing;
  const known = [...shown.pages.map(({ ts }) => ts), shown.control ?? "", shown.question ?? ""];
  const newest = [place.newest_ts, ...known].reduce((one, other) => (isNewer(other, one) ? other : one));
  return {
    kind: "find",
    page: -1,
    method: "conversations.replies",
    fields: { channel: place.channel, ts: place.thread_ts, oldest: newest, limit: 100 },
    done: (before, body) => {
      const messages = Array.isArray(body.messages) ? (body.messages as Record<string, unknown>[]) : [];
      const own = messages
        .filter(({ user, ts }) => user === bot && typeof ts === "string" && isNewer(ts, newest))
        .map(({ ts }) => String(ts));
      return adopt({ ...before, doubt: null }, doubt, own.sort().at(-1) ?? null);
    },
  };
}

/** The message that was found, as one of which it is not known what it shows. */
function adopt(shown: Shown, doubt: Making, ts: string | null): Shown {
  if (ts === null) return shown;
  if (doubt === "control") return { ...shown, control: ts };
  if (doubt === "question") return { ...shown, question: ts };
  const page: ShownPage = { ...stillPage(ts, ""), state: doubt === "start" ? "streaming" : "still" };
  return { ...shown, pages: [...shown.pages, page] };
}

/** Slack's numbers of messages: seconds, a point, and six places. */
export function isNewer(one: string, other: string): boolean {
  return one.length === other.length ? one > other : Number(one) > Number(other);
}

function stillPage(ts: string, mark: string): ShownPage {
  return { ts, state: "still", sent: 0, mark, tasks: {} };
}

function withPage(shown: Shown, place: number, page: ShownPage): Shown {
  const pages = [...shown.pages];
  pages[place] = page;
  return { ...shown, pages };
}

function tsOf(body: Record<string, unknown>): string {
  return typeof body.ts === "string" ? body.ts : "";
}

/** What is shown after an answer; null where there is no place to show it any more. */
export function applyAnswer(shown: Shown, step: Extract<Step, Call>, answer: SlackAnswer, now: number): Shown | null {
  const before: Shown = { ...shown, doing: null };
  if (answer.kind === "done") {
    const after = step.done({ ...before, failures: 0 }, answer.body);
    const pace = Math.max(step.kind === "update" ? UPDATE_MS : APPEND_MS, Math.floor(before.pace * 0.9));
    return { ...after, pace, pacedUntil: step.kind === "status" ? after.pacedUntil : now + pace };
  }
  if (answer.kind === "later") {
    const pace = Math.min(SLOWEST_MS, before.pace * 2);
    return { ...before, pace, blockedUntil: now + answer.after_ms };
  }
  if (answer.kind === "unknown") {
    // Nothing depends on it.
    if (step.kind === "status") return { ...before, hasStatus: true };
    const failures = before.failures + 1;
    const blockedUntil = now + Math.min(LONGEST_RETRY_MS, FIRST_RETRY_MS * 2 ** (failures - 1));
    return inDoubt({ ...before, failures, blockedUntil }, step.kind, step.page);
  }
  if (hopeless.has(answer.error)) return null;
  const failures = before.failures + 1;
  if (failures > MOST_REFUSALS) return null;
  return goAround({ ...before, failures }, step, answer.error);
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
      if (error === "message_not_found") return withPage(shown, page, { ...at, state: "lost" });
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
      return at === undefined ? shown : withPage(shown, page, { ...at, state: "lost" });
  }
}

const lost = new Set(["message_not_found", "cant_update_message", "edit_window_closed"]);

function isStopped(error: string): boolean {
  return error === "message_not_in_streaming_state" || error === "message_not_owned_by_app";
}

function inDoubt(shown: Shown, kind: Step["kind"], page: number): Shown {
  if (kind === "start" || kind === "post" || kind === "control" || kind === "question")
    return { ...shown, doubt: kind };
  const at = shown.pages[page];
  // To append or to stop with a text may have been done; to replace and to delete can be done again.
  if ((kind === "append" || kind === "stop") && at !== undefined) return withPage(shown, page, { ...at, mark: "" });
  return shown;
}
