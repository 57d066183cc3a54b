// Decides the next call to Slack: it compares what should be shown (the view) with what is shown (`Shown`), and the
// difference is the next call. It is pure, so tests try every order of events, refusals and crashes.
//
// A reply is streamed: text is appended, and at the end the message is stopped. Appending is not idempotent. So if it
// is not known whether a call was carried out (no answer, or the life ended during it), nothing more is appended: the
// stream is stopped, and the whole message is replaced, as often as needed. A discarded text, and a place where Slack
// refuses streams, are handled in the same way. If it is not known whether a message was posted, it is looked for in
// Slack's thread.
import type { Showing } from "../../agent/mirror.ts";
import type { SlackPlace } from "../../protocol/slack.ts";
import { closedMessage, controlBlocks, questionMessage } from "./blocks.ts";
import { type Change, changeOf, type Rendering, render, streamBegin } from "./render.ts";
import { type Creation, type Shown, type ShownPage, type Step, withoutPage, withPage } from "./shown.ts";

/** A reply that is finished by then needs no button to stop it. */
const CONTROL_AFTER_MS = 5_000;
/**
 * Slack loads the addresses in a message to show what is there, which would carry out whatever a model put into one.
 * A stream has no such arguments.
 */
const NO_PREVIEWS = { unfurl_links: false, unfurl_media: false };

/** The message with a run's questions. */
export interface SlackQuestion {
  ts: string;
}

export interface SlackShowing extends Showing<SlackPlace, Shown, SlackQuestion> {
  /** The bot's user id. */
  bot: string;
}

/** Returns the next call, or when to decide again, or that everything is shown. */
export function nextStep(showing: SlackShowing, now: number): Step {
  const { view, shown } = showing;
  if (now < shown.blockedUntil) return { kind: "wait", until: shown.blockedUntil };
  if (shown.doubt !== null) return findMessage(showing, shown.doubt);
  const isOver = view.end !== null;
  // While no append is due, the text is not rendered: rendering a long text for every delta would be slow.
  if (!isOver && now < shown.pacedUntil && shown.pages.length > 0) {
    return asideStep(showing, now) ?? { kind: "wait", until: shown.pacedUntil };
  }
  const pages = render(view, showing.place, shown.plain);
  const step = pageStep(showing, pages) ?? questionStep(showing) ?? asideStep(showing, now);
  if (step === null) {
    const asideAt = nextAside(showing);
    if (isOver && asideAt === null) return { kind: "over" };
    return { kind: "wait", until: asideAt };
  }
  return step;
}

/** Returns when a call beside the run's text is due; null if none is. */
function nextAside(showing: SlackShowing): number | null {
  const { view, shown } = showing;
  const isOwed = closeStep(showing) !== null || (view.end !== null && shown.control !== null);
  if (isOwed) return shown.asideUntil;
  const needsControl = view.end === null && !shown.controlRefused && shown.control === null && shown.pages.length > 0;
  return needsControl && view.begunAt !== null ? Math.max(shown.asideUntil, view.begunAt + CONTROL_AFTER_MS) : null;
}

/** The next call beside the run's text. */
function asideStep(showing: SlackShowing, now: number): Step | null {
  return now < showing.shown.asideUntil ? null : (closeStep(showing) ?? controlStep(showing, now));
}

/** Removes the buttons of the run before: its questions were answered elsewhere, or can no longer be answered. */
function closeStep({ view, shown, asked, place }: SlackShowing): Step | null {
  if (asked === null || asked.run === null || shown.hasClosed || view.begunAt === null) return null;
  return {
    kind: "close",
    page: -1,
    method: "chat.update",
    fields: { channel: place.channel, ts: asked.ts, ...closedMessage(asked.run, place) },
    done: (before) => ({ ...before, hasClosed: true }),
  };
}

function pageStep(showing: SlackShowing, pages: Rendering[]): Step | null {
  const { shown, view } = showing;
  for (const [place, page] of pages.entries()) {
    const step = reconcile(showing, place, page, place < pages.length - 1 || view.end !== null);
    if (step !== null) return step;
  }
  const surplus = shown.pages.findIndex(({ state }, place) => place >= pages.length && state !== "lost");
  return surplus < 0 ? null : removePage(showing, surplus);
}

/** The next call for one message of Slack. `isWhole`: nothing will be added to this page. */
function reconcile(showing: SlackShowing, place: number, page: Rendering, isWhole: boolean): Step | null {
  const shown = showing.shown.pages[place];
  if (shown === undefined) return beginPage(showing, place, page, isWhole);
  if (shown.state === "lost") return null;
  if (shown.state === "still") return shown.mark === page.mark ? null : update(showing, place, shown, page);
  const change = changeOf(shown, page, isWhole);
  if (change === null) return stop(showing.place, place, shown, null, null);
  if (isWhole && change.isLast) return stop(showing.place, place, shown, change, page);
  return change.chunks.length === 0 ? null : append(showing, place, shown, change);
}

function beginPage(showing: SlackShowing, place: number, page: Rendering, isWhole: boolean): Step | null {
  if (page.isEmpty && !isWhole) return statusStep(showing);
  // An interrupted run without text shows only its questions.
  if (page.isEmpty && showing.view.end?.status === "interrupted") return null;
  // A stream needs text. A message with only the blocks of the end is posted.
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

/** Shows a status before the first text. Slack removes it with the first message, and after two minutes. */
function statusStep({ view, shown, place }: SlackShowing): Step | null {
  if (shown.hasStatus || view.begunAt === null) return null;
  return {
    kind: "status",
    page: 0,
    method: "assistant.threads.setStatus",
    fields: { channel_id: place.channel, thread_ts: place.thread_ts, status: "is thinking…" },
    done: (before) => ({ ...before, hasStatus: true }),
  };
}

function append({ place }: SlackShowing, at: number, page: ShownPage, change: Change): Step {
  return {
    kind: "append",
    page: at,
    method: "chat.appendStream",
    fields: { channel: place.channel, ts: page.ts, chunks: change.chunks },
    done: (before) => withPage(before, at, { ...page, ...change.after }),
  };
}

/** Stops a stream with the rest of its text, or with nothing if it is not known what the message shows. */
function stop(place: SlackPlace, at: number, page: ShownPage, change: Change | null, whole: Rendering | null): Step {
  const left = {
    ...(change === null || change.chunks.length === 0 ? {} : { chunks: change.chunks }),
    ...(whole === null || whole.end.length === 0 ? {} : { blocks: whole.end }),
  };
  const mark = whole?.mark ?? "";
  return {
    kind: "stop",
    page: at,
    method: "chat.stopStream",
    fields: { channel: place.channel, ts: page.ts, ...left },
    done: (before) => withPage(before, at, { ...page, state: "still", mark, tasks: {} }),
  };
}

function post({ place }: SlackShowing, at: number, page: Rendering): Step {
  const { channel, thread_ts } = place;
  return {
    kind: "post",
    page: at,
    method: "chat.postMessage",
    fields: { channel, thread_ts, ...NO_PREVIEWS, ...page.message },
    done: (before, body) => withPage(before, at, stillPage(tsOf(body), page.mark)),
  };
}

function update({ place }: SlackShowing, at: number, shown: ShownPage, page: Rendering): Step {
  return {
    kind: "update",
    page: at,
    method: "chat.update",
    fields: { channel: place.channel, ts: shown.ts, ...page.message },
    done: (before) => withPage(before, at, { ...shown, mark: page.mark }),
  };
}

/** Removes the message of a discarded text. */
function removePage({ shown, place }: SlackShowing, at: number): Step {
  const page = shown.pages[at] as ShownPage;
  // Slack does not delete a message that is still streamed.
  if (page.state === "streaming") return stop(place, at, page, null, null);
  return {
    kind: "delete",
    page: at,
    method: "chat.delete",
    fields: { channel: place.channel, ts: page.ts },
    done: (before) => withoutPage(before, at),
  };
}

function questionStep({ view, shown, place }: SlackShowing): Step | null {
  if (view.end?.status !== "interrupted" || shown.question !== null) return null;
  const { channel, thread_ts } = place;
  const { text, blocks } = questionMessage(view.end, place);
  return {
    kind: "question",
    page: -1,
    method: "chat.postMessage",
    fields: { channel, thread_ts, ...NO_PREVIEWS, text, ...(shown.plain ? {} : { blocks }) },
    done: (before, body) => ({ ...before, question: tsOf(body) }),
  };
}

function controlStep({ view, shown, place, run }: SlackShowing, now: number): Step | null {
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
    fields: { channel, thread_ts, ...NO_PREVIEWS, text, blocks },
    done: (before, body) => ({ ...before, control: tsOf(body) }),
  };
}

function findMessage(showing: SlackShowing, doubt: Creation): Step {
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

/** Takes over the message that was found. It is not known what it shows. */
function adopt(shown: Shown, doubt: Creation, ts: string | null): Shown {
  if (ts === null) return shown;
  if (doubt === "control") return { ...shown, control: ts };
  if (doubt === "question") return { ...shown, question: ts };
  const page: ShownPage = { ...stillPage(ts, ""), state: doubt === "start" ? "streaming" : "still" };
  return { ...shown, pages: [...shown.pages, page] };
}

/** Compares Slack's message ids: seconds, a point, and six digits. */
function isNewer(one: string, other: string): boolean {
  return one.length === other.length ? one > other : Number(one) > Number(other);
}

function stillPage(ts: string, mark: string): ShownPage {
  return { ts, state: "still", sent: 0, mark, tasks: {} };
}

function tsOf(body: Record<string, unknown>): string {
  return typeof body.ts === "string" ? body.ts : "";
}
