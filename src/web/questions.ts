// What an interrupted run asks, as a form.
import type { AgUiInterrupt } from "../protocol/event.ts";
import type { InterruptAnswer } from "../protocol/thread.ts";
import { element } from "./element.ts";
import { words } from "./words.ts";

export function drawQuestions(interrupts: AgUiInterrupt[], answer: (answers: InterruptAnswer[]) => void): HTMLElement {
  const fields = interrupts.map((interrupt) => ({ interrupt, field: drawField(interrupt) }));
  const collect = (skipped: boolean): void =>
    answer(
      fields.map(({ interrupt: { id }, field }) => {
        const text = skipped ? "" : field.value.trim();
        return text === ""
          ? { interrupt_id: id, status: "cancelled" }
          : { interrupt_id: id, status: "resolved", payload: text };
      }),
    );
  const submit = (event: Event): void => {
    event.preventDefault();
    collect(false);
  };
  return element(
    "form",
    { class: "questions", submit },
    ...fields.map(({ interrupt, field }) => drawQuestion(interrupt, field, () => collect(false))),
    element(
      "div",
      { class: "actions" },
      element("button", { type: "submit" }, words.answer),
      element("button", { type: "button", class: "quiet", click: () => collect(true) }, words.skip),
    ),
  );
}

function drawField({ message }: AgUiInterrupt): HTMLInputElement {
  return element("input", { type: "text", "aria-label": message ?? words.yourAnswer, placeholder: words.yourAnswer });
}

function drawQuestion(interrupt: AgUiInterrupt, field: HTMLInputElement, submit: () => void): HTMLElement {
  const listed = interrupt.responseSchema?.enum;
  const choices = Array.isArray(listed) ? listed.filter((choice) => typeof choice === "string") : [];
  const choose = (choice: string) => (): void => {
    field.value = choice;
    submit();
  };
  return element(
    "fieldset",
    {},
    element("legend", {}, interrupt.message ?? ""),
    element(
      "div",
      { class: "choices" },
      ...choices.map((choice) => element("button", { type: "button", click: choose(choice) }, choice)),
    ),
    field,
  );
}
