// A question: suggested answers as buttons, and a field for any other.
import { answerQuestion, goOnWithout, type Question } from "../client/interrupts.ts";
import { element } from "../element.ts";
import { words } from "../words.ts";
import type { Part, PartContext } from "./part.ts";

export function drawQuestion(asked: Question, { lone, give }: PartContext): Part {
  const field = element("input", {
    type: "text",
    "aria-label": asked.message || words.yourAnswer,
    placeholder: words.yourAnswer,
  });
  const read = () => answerQuestion(asked.id, field.value);
  const buttons = asked.choices.map((choice) => {
    const choose = (): void => {
      field.value = choice;
      mark();
      if (lone) give(read());
    };
    return element("button", { type: "button", click: choose }, choice);
  });
  // Where other questions are open too, a choice waits for them, and shows that it was made.
  const mark = (): void => {
    for (const [index, button] of buttons.entries()) {
      if (!lone) button.setAttribute("aria-pressed", String(asked.choices[index] === field.value.trim()));
    }
  };
  field.addEventListener("input", mark);
  mark();
  const node = element("fieldset", {}, element("legend", {}, asked.message));
  if (buttons.length > 0) node.append(element("div", { class: "choices" }, ...buttons));
  node.append(field);
  if (lone) {
    const skip = (): void => give(goOnWithout(asked.id));
    node.append(
      element(
        "div",
        { class: "actions" },
        element("button", { type: "submit" }, words.answer),
        element("button", { type: "button", class: "quiet", click: skip }, words.skip),
      ),
    );
  }
  return { node, read };
}
