// A call that waits for a person's word: what would be done, sign by sign, and whether it may. What it is given can be
// changed before it is approved.
import { type Approval, approveCall, listArguments } from "../client/interrupts.ts";
import { reveal, revealText } from "../client/reveal.ts";
import { element } from "../element.ts";
import { words } from "../words.ts";
import { type Decision, drawDecision } from "./decision.ts";
import type { Part, PartContext } from "./part.ts";

/** More signs that are not seen than this are no text any more; drawn one by one they would hold up the page. */
const mostMarks = 1000;

export function drawApproval(asked: Approval, context: PartContext): Part {
  const changed: Record<string, string> = {};
  const decision = drawDecision(asked.id, () => approveCall(asked, changed), context);
  const node = element("fieldset", {}, element("legend", {}, words.mayRun), ...drawCall(asked));
  const texts = listArguments(asked.editable ?? {}).filter(({ isText }) => isText);
  if (texts.length > 0) node.append(drawChanges(asked, texts, changed, decision));
  node.append(decision.node);
  return { node, read: decision.read };
}

function drawCall({ tool, arguments: given, message }: Approval): HTMLElement[] {
  if (tool === null || given === null) return drawRevealed(message);
  const listed = listArguments(given);
  const name = element("p", { class: "tool" }, tool);
  // One that stands alone is the call itself and needs no name.
  if (listed.length === 1 && listed[0]) return [name, ...drawRevealed(listed[0].text)];
  return [
    name,
    ...listed.flatMap((each) => [element("p", { class: "argument" }, each.name), ...drawRevealed(each.text)]),
  ];
}

/** In the order in which it is read by a program, and with what is not seen made visible. */
export function drawRevealed(text: string): HTMLElement[] {
  const pieces = reveal(text);
  const nodes =
    pieces.length > 2 * mostMarks
      ? [revealText(text)]
      : pieces.map(({ text, hidden }) => (hidden ? element("mark", { class: "hidden-sign" }, text) : text));
  const block = element("pre", { class: "asked", dir: "ltr", tabindex: "0" }, ...nodes);
  if (!pieces.some(({ hidden }) => hidden)) return [block];
  return [block, element("p", { class: "hint" }, words.hiddenSigns)];
}

function drawChanges(
  asked: Approval,
  texts: { name: string; text: string }[],
  changed: Record<string, string>,
  decision: Decision,
): HTMLElement {
  const fields = texts.map(({ name, text }) => {
    const field = element("textarea", { rows: "1", spellcheck: "false", dir: "ltr", "aria-label": name });
    field.value = text;
    // A field writes line ends its own way: only what a person typed is a change.
    field.addEventListener("input", () => {
      changed[name] = field.value;
      const isChanged = Object.entries(changed).some(([key, value]) => asked.editable?.[key] !== value);
      decision.update({ changed: isChanged, approvable: true });
    });
    return texts.length === 1 ? field : element("label", {}, element("span", { class: "argument" }, name), field);
  });
  return element("details", { class: "changes" }, element("summary", {}, words.changeFirst), ...fields);
}
