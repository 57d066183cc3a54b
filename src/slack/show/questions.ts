// The message in Slack that asks what a run asked, with its buttons. It is a message of its own, made of the run's interrupts and
// nothing else, so whoever has the run can make it again: the follower posts it, and a click replaces it.
//
// All of a run's interrupts are answered together. What was chosen until then is kept in the message itself: an answered
// question has a button that takes the answer back, and that button's value is the answer.
import { isRecord } from "../../agent/calls/leniency.ts";
import { isChinese } from "../../agent/language.ts";
import { cutEnd } from "../../lib/truncate.ts";
import type { Interrupt } from "../../protocol/run.ts";
import type { InterruptAnswer } from "../../protocol/thread.ts";
import { type ActionKind, encodeAction, readAction } from "./actions.ts";

export interface AskedRun {
  thread_id: string;
  invocation_id: string;
  interrupts: Interrupt[];
  /** Where the thread is shown in the web app; null where nobody knows. */
  web_url: string | null;
}

export interface GivenAnswer {
  /** What was chosen or written; `approve` or `decline` for an approval. */
  text: string;
  /** A user of Slack. */
  by: string;
}

export type Block = Record<string, unknown>;

export interface SlackMessage {
  /** For notifications, and clients that show no blocks. */
  text: string;
  blocks: Block[];
}

/** A message has 50 blocks at most, and nobody answers more in a chat. */
const MOST_QUESTIONS = 10;
/** Slack is seen to refuse blocks from some 13,000 characters of JSON on. */
const ALL_CHARACTERS = 12_500;
/** Slack's bounds: a section's text, a button's, the buttons of a row. */
const SECTION_CHARACTERS = 3_000;
const BUTTON_CHARACTERS = 75;
const MOST_BUTTONS = 25;
const NOTICE_CHARACTERS = 300;
/** What is shown of an answer; the run has all of it. */
const SHOWN_CHARACTERS = 500;

const LINK = "taskloom:link";

interface Words {
  approve: string;
  decline: string;
  answer: string;
  change: string;
  open: string;
  approval: string;
  approved: string;
  declined: string;
  elsewhere: string;
  closed: string;
}

const english: Words = {
  approve: "Approve",
  decline: "Decline",
  answer: "Answer…",
  change: "Change",
  open: "Open in the web app",
  approval: "Approval needed",
  approved: "Approved",
  declined: "Declined",
  elsewhere:
    "Too much is asked for a message in Slack. Answer in the web app, or reply here to go on without an answer.",
  closed: "This is not open any more.",
};

const chinese: Words = {
  approve: "批准",
  decline: "拒绝",
  answer: "回答…",
  change: "修改",
  open: "在网页中打开",
  approval: "需要批准",
  approved: "已批准",
  declined: "已拒绝",
  elsewhere: "需要回答的内容太多，无法在 Slack 中显示。请在网页中回答，或直接回复以跳过。",
  closed: "该问题已关闭。",
};

/** Questions with buttons; each that is answered shows by whom, and can be changed until the last one is. */
export function askQuestions(run: AskedRun, answers: ReadonlyMap<string, GivenAnswer> = new Map()): SlackMessage {
  const words = wordsOf(run);
  const blocks = run.interrupts.flatMap((interrupt, place) => {
    const given = answers.get(interrupt.id);
    const buttons =
      given === undefined ? openBlock(run, interrupt, place, words) : takenBlock(run, interrupt, place, given, words);
    return buttons === null ? null : [askedBlock(interrupt, place, words), buttons];
  });
  const isShown = run.interrupts.length <= MOST_QUESTIONS && blocks.every((block) => block !== null);
  const shown = blocks.filter((block) => block !== null);
  return { text: noticeOf(run), blocks: isShown && fits(shown) ? shown : elsewhereBlocks(run, words) };
}

/** The same without buttons, once the questions are closed: with what was answered, where that is known. */
export function closeQuestions(run: AskedRun, answers: ReadonlyMap<string, GivenAnswer>): SlackMessage {
  const words = wordsOf(run);
  const shown = run.interrupts.slice(0, MOST_QUESTIONS).flatMap((interrupt, place) => {
    const given = answers.get(interrupt.id);
    const text = given === undefined ? words.closed : describeAnswer(interrupt, given, words);
    const element = { type: "mrkdwn", text };
    return [
      askedBlock(interrupt, place, words),
      { type: "context", block_id: `taskloom:closed:${place}`, elements: [element] },
    ];
  });
  const closed = { type: "section", block_id: "taskloom:closed", text: plainText(words.closed, SECTION_CHARACTERS) };
  return { text: noticeOf(run), blocks: fits(shown) ? shown : [closed] };
}

function fits(blocks: Block[]): boolean {
  return JSON.stringify(blocks).length <= ALL_CHARACTERS;
}

/** The same for a message whose run is gone: as it is shown, without its buttons. */
export function closeShown(shown: unknown[]): SlackMessage {
  const left = shown.filter(isRecord).filter(({ type }) => type === "section");
  const blocks = left.map(({ accessory: _, ...block }) => block);
  const texts = blocks.map(({ text }) => (isRecord(text) && typeof text.text === "string" ? text.text : ""));
  const { closed } = isChinese(texts.join("\n")) ? chinese : english;
  const note = { type: "context", block_id: "taskloom:closed", elements: [{ type: "mrkdwn", text: closed }] };
  return { text: escapeText(shorten(texts[0] || closed, NOTICE_CHARACTERS)), blocks: [...blocks, note] };
}

/** What was chosen so far, as a message that a click brought tells it. Only of this run, and only what it asked. */
export function readAnswers(run: AskedRun, blocks: unknown): Map<string, GivenAnswer> {
  const answers = new Map<string, GivenAnswer>();
  for (const block of Array.isArray(blocks) ? blocks : []) {
    const button = isRecord(block) && isRecord(block.accessory) ? block.accessory : {};
    const action = readAction(button.action_id, button.value);
    if (action?.kind !== "change" || action.invocation_id !== run.invocation_id) continue;
    const interrupt = run.interrupts.find(({ id }) => id === action.interrupt_id);
    const text = interrupt && (action.text ?? choicesOf(interrupt)[action.place ?? -1]);
    if (interrupt === undefined || text === undefined || action.chosen_by === null) continue;
    answers.set(interrupt.id, { text, by: action.chosen_by });
  }
  return answers;
}

/** Where the message's link leads, since who makes it again does not know. */
export function readLink(blocks: unknown): string | null {
  const found = (Array.isArray(blocks) ? blocks : []).filter(isRecord).flatMap(({ accessory, elements }) => {
    const buttons = [accessory, ...(Array.isArray(elements) ? elements : [])].filter(isRecord);
    return buttons.filter(({ action_id }) => action_id === LINK).map(({ url }) => url);
  });
  return typeof found[0] === "string" ? found[0] : null;
}

/** Whether the answer can be kept in the message while other questions are open. */
export function canKeep(run: AskedRun, interrupt: Interrupt, given: GivenAnswer): boolean {
  return takenBlock(run, interrupt, 0, given, english) !== null;
}

/** Null while one of them is not answered. */
export function toResume(
  { interrupts }: AskedRun,
  answers: ReadonlyMap<string, GivenAnswer>,
): InterruptAnswer[] | null {
  const resume = interrupts.flatMap(({ id, reason }): InterruptAnswer[] => {
    const given = answers.get(id);
    if (given === undefined) return [];
    const payload = reason === "question" ? given.text : { approved: given.text === "approve" };
    return [{ interrupt_id: id, status: "resolved", payload }];
  });
  return resume.length === interrupts.length ? resume : null;
}

/** The suggestions of a question, in the order of its buttons. */
export function choicesOf({ reason, response_schema }: Interrupt): string[] {
  const suggested: unknown[] = reason === "question" && Array.isArray(response_schema.enum) ? response_schema.enum : [];
  return suggested.filter((choice) => typeof choice === "string").slice(0, MOST_BUTTONS - 1);
}

/** A text of anyone's within a text with Slack's marks: it names and calls nobody. */
export function escapeText(text: string): string {
  return text.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll(">", "&gt;");
}

/** What is asked, as plain text: a model's words call nobody, whatever stands in them. */
function askedBlock(interrupt: Interrupt, place: number, words: Words): Block {
  const { reason, message } = interrupt;
  const lines = reason === "approval" ? [words.approval, message] : [message];
  if (reason === "plan_approval") lines.push(...listPlan(interrupt));
  const choices = choicesOf(interrupt);
  // A button shows the beginning only.
  if (choices.some((choice) => choice.length > BUTTON_CHARACTERS)) {
    lines.push(...choices.map((choice, index) => `${index + 1}. ${choice}`));
  }
  return {
    type: "section",
    block_id: `taskloom:asked:${place}`,
    text: plainText(lines.join("\n"), SECTION_CHARACTERS),
  };
}

function listPlan({ response_schema }: Interrupt): string[] {
  const properties = isRecord(response_schema.properties) ? response_schema.properties : {};
  const proposed = isRecord(properties.sections) ? properties.sections.default : undefined;
  const sections: unknown[] = Array.isArray(proposed) ? proposed : [];
  return sections
    .filter(isRecord)
    .flatMap(({ title, tasks }) => [
      String(title),
      ...(Array.isArray(tasks) ? tasks : []).map((task) => `  • ${String(task)}`),
    ]);
}

function openBlock(run: AskedRun, interrupt: Interrupt, place: number, words: Words): Block | null {
  const button = (kind: ActionKind, label: string, more: Block = {}, choice: number | null = null): Block | null =>
    buttonOf(run, interrupt, kind, label, { place: choice, text: null, chosen_by: null }, more);
  const buttons =
    interrupt.reason === "question"
      ? [
          ...choicesOf(interrupt).map((choice, index) =>
            button("choice", choice.trim() || String(index + 1), {}, index),
          ),
          button("answer", words.answer),
        ]
      : [button("approve", words.approve, { style: "primary" }), button("decline", words.decline, { style: "danger" })];
  if (buttons.includes(null)) return null;
  // A plan is changed there.
  const link = interrupt.reason === "plan_approval" && run.web_url !== null ? [linkTo(run.web_url, words.open)] : [];
  return { type: "actions", block_id: `taskloom:open:${place}`, elements: [...buttons, ...link] };
}

function takenBlock(
  run: AskedRun,
  interrupt: Interrupt,
  place: number,
  given: GivenAnswer,
  words: Words,
): Block | null {
  const choice = choicesOf(interrupt).indexOf(given.text);
  const chosen = choice < 0 ? { place: null, text: given.text } : { place: choice, text: null };
  const accessory = buttonOf(run, interrupt, "change", words.change, { ...chosen, chosen_by: given.by }, {});
  if (accessory === null) return null;
  const text = { type: "mrkdwn", text: describeAnswer(interrupt, given, words) };
  return { type: "section", block_id: `taskloom:taken:${place}`, text, accessory };
}

function buttonOf(
  { thread_id, invocation_id }: AskedRun,
  interrupt: Interrupt,
  kind: ActionKind,
  label: string,
  chosen: { place: number | null; text: string | null; chosen_by: string | null },
  more: Block,
): Block | null {
  const encoded = encodeAction({ kind, thread_id, invocation_id, interrupt_id: interrupt.id, ...chosen });
  return encoded && { type: "button", text: plainText(label, BUTTON_CHARACTERS), ...more, ...encoded };
}

function describeAnswer({ reason }: Interrupt, { text, by }: GivenAnswer, words: Words): string {
  const decided = text === "approve" ? words.approved : words.declined;
  const shown = reason === "question" ? escapeText(shorten(text, SHOWN_CHARACTERS)) : decided;
  return `✓ ${shown} — <@${by}>`;
}

function elsewhereBlocks({ web_url }: AskedRun, words: Words): Block[] {
  const text = plainText(words.elsewhere, SECTION_CHARACTERS);
  const link = web_url === null ? {} : { accessory: linkTo(web_url, words.open) };
  return [{ type: "section", block_id: "taskloom:elsewhere", text, ...link }];
}

function linkTo(url: string, label: string): Block {
  return { type: "button", text: plainText(label, BUTTON_CHARACTERS), action_id: LINK, url };
}

function noticeOf({ interrupts }: AskedRun): string {
  return escapeText(shorten(interrupts[0]?.message.trim() || "?", NOTICE_CHARACTERS));
}

function wordsOf({ interrupts }: AskedRun): Words {
  const text = interrupts.map(({ message }) => message).join("\n");
  return isChinese(text) ? chinese : english;
}

function plainText(text: string, limit: number): Block {
  return { type: "plain_text", text: shorten(text.trim() || "?", limit), emoji: false };
}

function shorten(text: string, limit: number): string {
  return text.length <= limit ? text : `${cutEnd(text, limit - 1)}…`;
}
