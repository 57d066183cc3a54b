// The message in Slack with the questions of a run and their buttons. It is made of the run's interrupts and nothing
// else, so everyone who has the run can make it again: the mirror posts it, and a click replaces it.
//
// All of a run's interrupts are answered together. Until then the message itself keeps the answers: an answered
// question has a button that takes the answer back, and that button's value is the answer.

import { describeWhole } from "../../agent/checks/describe.ts";
import { isChinese } from "../../agent/language.ts";
import { isRecord } from "../../lib/is-record.ts";
import { cutEnd } from "../../lib/truncate.ts";
import { checkInput } from "../../protocol/plan/check.ts";
import type { Interrupt } from "../../protocol/run.ts";
import type { InterruptAnswer } from "../../protocol/thread.ts";
import { type ActionKind, encodeAction, readAction } from "./actions.ts";
import { english, type Labels, labelsOf } from "./labels.ts";

export interface AskedRun {
  thread_id: string;
  invocation_id: string;
  interrupts: Interrupt[];
  /** The address of the thread on the web page; null if not known. */
  web_url: string | null;
}

export interface GivenAnswer {
  /** The chosen or written answer; `approve` or `decline` for an approval. */
  text: string;
  /** The Slack user who answered. */
  by: string;
}

export type Block = Record<string, unknown>;

export interface SlackMessage {
  /** For notifications, and clients that show no blocks. */
  text: string;
  blocks: Block[];
}

/** A Slack message has 50 blocks at most, and nobody answers more questions in a chat. */
const MAX_QUESTIONS = 10;
/** Slack has been observed to refuse blocks of about 13,000 characters of JSON. */
const MAX_BLOCKS_CHARACTERS = 12_500;
/** Slack's limits for a section's text, a button's text, and the buttons of a row. */
const SECTION_CHARACTERS = 3_000;
const BUTTON_CHARACTERS = 75;
const MAX_BUTTONS = 25;
const NOTICE_CHARACTERS = 300;
/** How much of an answer is shown. The run gets all of it. */
const SHOWN_CHARACTERS = 500;

const LINK = "taskloom:link";

/** Questions with buttons. An answered one shows who answered, and can be changed until the last one is answered. */
export function askQuestions(run: AskedRun, answers: ReadonlyMap<string, GivenAnswer> = new Map()): SlackMessage {
  const labels = labelsFor(run);
  const blocks = run.interrupts.flatMap((interrupt, place) => {
    const given = answers.get(interrupt.id);
    const buttons =
      given === undefined ? openBlock(run, interrupt, place, labels) : takenBlock(run, interrupt, place, given, labels);
    return buttons === null ? null : [askedBlock(interrupt, place, labels), buttons];
  });
  const isShown = run.interrupts.length <= MAX_QUESTIONS && blocks.every((block) => block !== null);
  const shown = blocks.filter((block) => block !== null);
  return { text: noticeOf(run), blocks: isShown && fits(shown) ? shown : elsewhereBlocks(run, labels) };
}

/** The same without buttons, after the questions are closed. It shows the answers that are known. */
export function closeQuestions(run: AskedRun, answers: ReadonlyMap<string, GivenAnswer>): SlackMessage {
  const labels = labelsFor(run);
  const shown = run.interrupts.slice(0, MAX_QUESTIONS).flatMap((interrupt, place) => {
    const given = answers.get(interrupt.id);
    const text = given === undefined ? labels.closed : describeAnswer(interrupt, given, labels);
    const element = { type: "mrkdwn", text };
    return [
      askedBlock(interrupt, place, labels),
      { type: "context", block_id: `taskloom:closed:${place}`, elements: [element] },
    ];
  });
  const closed = { type: "section", block_id: "taskloom:closed", text: plainText(labels.closed, SECTION_CHARACTERS) };
  return { text: noticeOf(run), blocks: fits(shown) ? shown : [closed] };
}

function fits(blocks: Block[]): boolean {
  return JSON.stringify(blocks).length <= MAX_BLOCKS_CHARACTERS;
}

/** The same for a message whose run no longer exists: the current message without its buttons. */
export function closeShown(shown: unknown[]): SlackMessage {
  const left = shown.filter(isRecord).filter(({ type }) => type === "section");
  const blocks = left.map(({ accessory: _, ...block }) => block);
  const texts = blocks.map(({ text }) => (isRecord(text) && typeof text.text === "string" ? text.text : ""));
  const { closed } = labelsOf(texts.join("\n"));
  const note = { type: "context", block_id: "taskloom:closed", elements: [{ type: "mrkdwn", text: closed }] };
  return { text: escapeText(shorten(texts[0] || closed, NOTICE_CHARACTERS)), blocks: [...blocks, note] };
}

/** Reads the answers so far from the message of a click. Ignores those of other runs and of unknown questions. */
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

/** Returns the address of the message's link, which a click needs to make the message again. */
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

/** Returns null while a question is not answered. */
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
  return suggested.filter((choice) => typeof choice === "string").slice(0, MAX_BUTTONS - 1);
}

/** Escapes a text for Slack's markup, so that it mentions nobody. */
export function escapeText(text: string): string {
  return text.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll(">", "&gt;");
}

/** The question as plain text, so that a model's text mentions nobody. */
function askedBlock(interrupt: Interrupt, place: number, labels: Labels): Block {
  const { reason, message, response_schema } = interrupt;
  const lines = reason === "approval" ? [labels.approval, message] : [message];
  if (reason === "plan_approval") lines.push(...listPlan(interrupt));
  if (reason === "check" && typeof response_schema.description === "string") lines.push(response_schema.description);
  const choices = choicesOf(interrupt);
  // A button shows only the beginning of a long choice.
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
    .flatMap(({ title, tasks }) => [String(title), ...(Array.isArray(tasks) ? tasks : []).flatMap(listTask)]);
}

function listTask(task: unknown): string[] {
  if (!isRecord(task)) return [`  • ${String(task)}`];
  const checks = Array.isArray(task.checks) ? task.checks : [];
  const lines = checks.map((check) => {
    const read = checkInput().safeParse(check);
    return `      ✓ ${read.success ? describeWhole(read.data, isChinese(String(task.content))) : JSON.stringify(check)}`;
  });
  return [`  • ${String(task.content)}`, ...lines];
}

function openBlock(run: AskedRun, interrupt: Interrupt, place: number, labels: Labels): Block | null {
  const button = (kind: ActionKind, label: string, more: Block = {}, choice: number | null = null): Block | null =>
    buttonOf(run, interrupt, kind, label, { place: choice, text: null, chosen_by: null }, more);
  const isBudget = interrupt.reason === "budget";
  const isJudgement = interrupt.reason === "check";
  const buttons =
    interrupt.reason === "question"
      ? [
          ...choicesOf(interrupt).map((choice, index) =>
            button("choice", choice.trim() || String(index + 1), {}, index),
          ),
          button("answer", labels.answer),
        ]
      : [
          button("approve", isBudget ? labels.goOn : isJudgement ? labels.yes : labels.approve, { style: "primary" }),
          button("decline", isBudget ? labels.end : isJudgement ? labels.no : labels.decline, { style: "danger" }),
        ];
  if (buttons.includes(null)) return null;
  // A person can change the plan on the web page, and choose a cap.
  const link =
    (isBudget || interrupt.reason === "plan_approval") && run.web_url !== null
      ? [linkTo(run.web_url, labels.open)]
      : [];
  return { type: "actions", block_id: `taskloom:open:${place}`, elements: [...buttons, ...link] };
}

function takenBlock(
  run: AskedRun,
  interrupt: Interrupt,
  place: number,
  given: GivenAnswer,
  labels: Labels,
): Block | null {
  const choice = choicesOf(interrupt).indexOf(given.text);
  const chosen = choice < 0 ? { place: null, text: given.text } : { place: choice, text: null };
  const accessory = buttonOf(run, interrupt, "change", labels.change, { ...chosen, chosen_by: given.by }, {});
  if (accessory === null) return null;
  const text = { type: "mrkdwn", text: describeAnswer(interrupt, given, labels) };
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

function describeAnswer({ reason }: Interrupt, { text, by }: GivenAnswer, labels: Labels): string {
  const [yes, no] =
    reason === "budget"
      ? [labels.wentOn, labels.ended]
      : reason === "check"
        ? [labels.yes, labels.no]
        : [labels.approved, labels.declined];
  const decided = text === "approve" ? yes : no;
  const shown = reason === "question" ? escapeText(shorten(text, SHOWN_CHARACTERS)) : decided;
  return `✓ ${shown} — <@${by}>`;
}

function elsewhereBlocks({ web_url }: AskedRun, labels: Labels): Block[] {
  const text = plainText(labels.elsewhere, SECTION_CHARACTERS);
  const link = web_url === null ? {} : { accessory: linkTo(web_url, labels.open) };
  return [{ type: "section", block_id: "taskloom:elsewhere", text, ...link }];
}

function linkTo(url: string, label: string): Block {
  return { type: "button", text: plainText(label, BUTTON_CHARACTERS), action_id: LINK, url };
}

function noticeOf({ interrupts }: AskedRun): string {
  return escapeText(shorten(interrupts[0]?.message.trim() || "?", NOTICE_CHARACTERS));
}

function labelsFor({ interrupts }: AskedRun): Labels {
  return labelsOf(interrupts.map(({ message }) => message).join("\n"));
}

function plainText(text: string, limit: number): Block {
  return { type: "plain_text", text: shorten(text.trim() || "?", limit), emoji: false };
}

function shorten(text: string, limit: number): string {
  return text.length <= limit ? text : `${cutEnd(text, limit - 1)}…`;
}
