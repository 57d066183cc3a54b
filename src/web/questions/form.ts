// What an interrupted run asks, as one form: the server takes the answers to everything that is open together. What has
// expired can't be answered any more, only left.
import type { InterruptAnswer } from "../../protocol/thread.ts";
import type { Conversation } from "../client/conversation.ts";
import { type Asked, goOnWithout, isExpired, readAsked } from "../client/interrupts.ts";
import { element } from "../element.ts";
import { words } from "../words.ts";
import { drawApproval } from "./approval.ts";
import type { Part, PartContext } from "./part.ts";
import { drawPlanForm } from "./plan-form.ts";
import { drawQuestion } from "./question.ts";

/** The longest that a browser's timer waits. */
const longestTimer = 2 ** 31 - 1;

export function drawQuestions(
  { interrupts, items }: Pick<Conversation, "interrupts" | "items">,
  answer: (answers: InterruptAnswer[]) => void,
): HTMLElement {
  const asked = interrupts.map((interrupt) => readAsked(interrupt, items));
  const context: PartContext = { lone: asked.length === 1, give: (given) => answer([given]) };
  const parts = asked.map((each) => drawPart(each, context));
  for (const [index, each] of asked.entries()) {
    watchExpiry(each, () => {
      const expired = drawExpired(each, context);
      parts[index]?.node.replaceWith(expired.node);
      parts[index] = expired;
    });
  }
  const submit = (event: Event): void => {
    event.preventDefault();
    const answers = parts.map((part) => part.read());
    if (answers.every((each) => each !== null)) answer(answers);
  };
  const form = element("form", { class: "questions", submit }, ...parts.map(({ node }) => node));
  if (!context.lone) {
    // Who ends one answer with Enter has not given the others yet.
    form.addEventListener("keydown", (event) => {
      if (event.key === "Enter" && event.target instanceof HTMLInputElement) event.preventDefault();
    });
    form.append(element("div", { class: "actions" }, element("button", { type: "submit" }, words.sendAnswers)));
  }
  return form;
}

function drawPart(asked: Asked, context: PartContext): Part {
  if (isExpired(asked, Date.now())) return drawExpired(asked, context);
  const part = drawKind(asked, context);
  if (asked.expires !== null) {
    const until = new Date(asked.expires).toLocaleString(words.language, { dateStyle: "medium", timeStyle: "short" });
    part.node.querySelector("legend")?.after(element("p", { class: "hint" }, words.openUntil(until)));
  }
  return part;
}

function drawKind(asked: Asked, context: PartContext): Part {
  switch (asked.kind) {
    case "question":
      return drawQuestion(asked, context);
    case "approval":
      return drawApproval(asked, context);
    case "plan_approval":
      return drawPlanForm(asked, context);
  }
}

function drawExpired({ id, message }: Asked, { lone }: PartContext): Part {
  const node = element(
    "fieldset",
    { class: "expired" },
    element("legend", {}, message),
    element("p", { class: "hint", role: "status" }, lone ? words.expired : words.expiredAmongOthers),
  );
  if (lone) {
    node.append(element("div", { class: "actions" }, element("button", { type: "submit" }, words.goOnWithout)));
  }
  return { node, read: () => goOnWithout(id) };
}

function watchExpiry(asked: Asked, expire: () => void): void {
  if (asked.expires === null || isExpired(asked, Date.now())) return;
  const look = (): void => (isExpired(asked, Date.now()) ? expire() : watchExpiry(asked, expire));
  setTimeout(look, Math.min(asked.expires - Date.now(), longestTimer));
}
