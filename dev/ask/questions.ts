// Asks an interrupted run's questions at the keyboard: questions, calls to approve, plans to approve or change. If the
// input ends, the rest stays unanswered and the run continues without answers.
import type { InterruptAnswer } from "../../src/protocol/thread.ts";
import type { Conversation } from "../../src/web/client/conversation.ts";
import {
  type Approval,
  type Asked,
  answerQuestion,
  approveCall,
  approvePlan,
  type Budget,
  decline,
  draftFor,
  goOnWithout,
  isExpired,
  type Judgement,
  judge,
  listArguments,
  type PlanApproval,
  type Question,
  raiseCaps,
  readAsked,
} from "../../src/web/client/interrupts.ts";
import { isChanged, type PlanDraft, problemOf } from "../../src/web/client/plan-draft.ts";
import { revealText } from "../../src/web/client/reveal.ts";
import { type Keyboard, withKeyboard } from "./keyboard.ts";
import { editDraft, listDraft, planHelp, planProblems } from "./plan-edit.ts";
import { plain } from "./width.ts";

type Interrupted = Pick<Conversation, "interrupts" | "items">;

export function answerQuestions(view: Interrupted, signal: AbortSignal): Promise<InterruptAnswer[]> {
  return withKeyboard(signal, (keyboard) => answerAll(view, keyboard));
}

export async function answerAll({ interrupts, items }: Interrupted, keyboard: Keyboard): Promise<InterruptAnswer[]> {
  const answers: InterruptAnswer[] = [];
  for (const asked of interrupts.map((interrupt) => readAsked(interrupt, items))) {
    const answer = isExpired(asked, Date.now()) ? null : await answerOne(asked, keyboard);
    // The question may have expired while it was being answered.
    answers.push(answer !== null && !isExpired(asked, Date.now()) ? answer : await leave(asked, keyboard));
  }
  return answers;
}

function answerOne(asked: Asked, keyboard: Keyboard): Promise<InterruptAnswer> {
  switch (asked.kind) {
    case "question":
      return askQuestion(asked, keyboard);
    case "approval":
      return askApproval(asked, keyboard);
    case "plan_approval":
      return askPlan(asked, keyboard);
    case "budget":
      return askBudget(asked, keyboard);
    case "check":
      return askJudgement(asked, keyboard);
  }
}

async function leave({ id, message }: Asked, { say, ask }: Keyboard): Promise<InterruptAnswer> {
  say(`\n? ${shown(message)}`);
  say("  The time to answer this has expired.");
  await ask("Press Enter to continue without an answer > ");
  return goOnWithout(id);
}

async function askQuestion({ id, message, choices }: Question, { say, ask }: Keyboard): Promise<InterruptAnswer> {
  say(`\n? ${plain(message)}`);
  for (const [index, choice] of choices.entries()) say(`  ${index + 1}) ${plain(choice)}`);
  return readAnswer(id, (await ask("> ")) ?? "", choices);
}

async function askApproval(asked: Approval, { say, ask }: Keyboard): Promise<InterruptAnswer> {
  for (const line of approvalLines(asked)) say(line);
  for (;;) {
    const text = await ask("y approves, `n reason` declines > ");
    if (text === null) return goOnWithout(asked.id);
    const decision = readDecision(text);
    if (decision === "approve") return approveCall(asked);
    if (decision !== null) return decline(asked.id, decision.reason);
  }
}

/** A number is the new cap; a plain yes raises it to what is proposed. */
async function askBudget(asked: Budget, { say, ask }: Keyboard): Promise<InterruptAnswer> {
  const [cap, ...others] = asked.caps;
  say(`\n? ${shown(asked.message)}`);
  const number = cap === undefined || others.length > 0 ? "" : `a number is the new ${cap.name}, `;
  // For a cap of 0 nothing is proposed.
  const raise = cap?.limit === 0 ? "" : "y raises it and continues, ";
  for (;;) {
    const text = await ask(`${raise}${number}n ends the run > `);
    if (text === null) return goOnWithout(asked.id);
    if (number !== "" && cap !== undefined && isAmount(text)) return raiseCaps(asked, { [cap.name]: text });
    const decision = readDecision(text);
    if (decision === "approve") return raiseCaps(asked, {});
    if (decision !== null) return decline(asked.id, decision.reason);
  }
}

/** A note may follow either word. */
async function askJudgement({ id, message, tasks }: Judgement, { say, ask }: Keyboard): Promise<InterruptAnswer> {
  say(`\n? ${shown(message)}`);
  if (tasks !== null) say(`  It is asked about ${shown(tasks)}.`);
  for (;;) {
    const text = await ask("y or n, and a note if you like > ");
    if (text === null) return goOnWithout(id);
    const judgement = readJudgement(text);
    if (judgement !== null) return judge(id, judgement.isContent, judgement.note);
  }
}

/** Null for an unclear answer, which says neither. */
export function readJudgement(text: string): { isContent: boolean; note: string } | null {
  const [, yes, no, note = ""] = /^(?:(y|yes|ok|是|好)|(n|no|不|否))(?:$|[\s,，:：]+(.*)$)/is.exec(text.trim()) ?? [];
  return yes === undefined && no === undefined ? null : { isContent: yes !== undefined, note: note.trim() };
}

/** As people write one. `1e999` is none, and would be taken for a plain yes. */
function isAmount(text: string): boolean {
  return /^\d{0,15}(?:\.\d{1,15})?$/.test(text) && Number(text) > 0;
}

async function askPlan(asked: PlanApproval, { say, ask }: Keyboard): Promise<InterruptAnswer> {
  let draft = draftFor(asked);
  say("\n? Is this plan right?");
  for (const line of draft ? listDraft(draft) : [shown(proposalText(asked))]) say(line);
  const help = draft ? planHelp : ["  Enter approves it, `n reason` declines it."];
  for (const line of help) say(line);
  for (;;) {
    const text = await ask("plan > ");
    if (text === null) return goOnWithout(asked.id);
    const decision = text === "" ? "approve" : readDecision(text);
    const problem = draft && isChanged(draft, asked.sections ?? []) ? problemOf(draft) : null;
    if (decision === "approve" && problem === null) return approvePlan(asked, draft);
    if (decision === "approve" && problem !== null) say(`  ${planProblems[problem]}`);
    else if (decision !== null && decision !== "approve") return decline(asked.id, decision.reason);
    else if (text === "?" || draft === null) for (const line of help) say(line);
    else draft = change(draft, text, say);
  }
}

function change(draft: PlanDraft, text: string, say: Keyboard["say"]): PlanDraft {
  const edited = editDraft(draft, text);
  if ("problem" in edited) {
    say(`  ${edited.problem}`);
    return draft;
  }
  for (const line of listDraft(edited.draft)) say(line);
  return edited.draft;
}

function approvalLines({ tool, arguments: given, message, why }: Approval): string[] {
  if (tool === null || given === null) return ["", "? May this be done?", ...indented(message)];
  const listed = listArguments(given);
  const lines = listed.flatMap(({ name, text }) =>
    listed.length === 1 ? indented(text) : [`  ${shown(name)}:`, ...indented(text)],
  );
  return ["", `? May this be done? ${shown(tool)}`, ...lines, ...(why === null ? [] : [`  ${shown(why)}`])];
}

export function readAnswer(id: string, text: string, choices: string[]): InterruptAnswer {
  const choice = /^\d{1,2}$/.test(text) ? choices[Number(text) - 1] : undefined;
  return answerQuestion(id, choice ?? text);
}

/** Null for an unclear answer, which approves nothing. */
export function readDecision(text: string): "approve" | { reason: string } | null {
  if (/^(?:y|yes|ok|是|好|批准|同意)$/i.test(text)) return "approve";
  const declined = /^(?:no?|不|否|拒绝)(?:$|[\s,，:：]+(.*)$)/is.exec(text);
  return declined ? { reason: declined[1] ?? "" } : null;
}

function proposalText({ proposed, message }: PlanApproval): string {
  return proposed === undefined ? message : (JSON.stringify(proposed, null, 2) ?? "");
}

function indented(text: string): string[] {
  return shown(text)
    .split("\n")
    .map((line) => `    ${line}`);
}

/** Makes every character visible, so that none controls the terminal. */
function shown(text: string): string {
  return plain(revealText(text));
}
