// A proposed plan as a form: everything in it can be worded anew, added, taken out and moved, with the keyboard too. What it
// says is kept in a draft; the rows are drawn anew when their order changes, never while someone types in one.
import { approvePlan, draftFor, type PlanApproval } from "../client/interrupts.ts";
import { addSection, isChanged, type PlanDraft, problemOf } from "../client/plan-draft.ts";
import { element } from "../element.ts";
import { words } from "../words.ts";
import { drawRevealed } from "./approval.ts";
import { drawDecision } from "./decision.ts";
import type { Part, PartContext } from "./part.ts";
import { drawSections, focusRow } from "./plan-rows.ts";

export function drawPlanForm(asked: PlanApproval, context: PartContext): Part {
  const proposed = asked.sections;
  let draft = draftFor(asked);
  const decision = drawDecision(asked.id, () => approvePlan(asked, draft), context);
  const node = element("fieldset", { class: "plan-form" }, element("legend", {}, words.planRight));
  if (proposed === null || draft === null) {
    const shown = asked.proposed === undefined ? asked.message : JSON.stringify(asked.proposed, null, 2);
    node.append(...drawRevealed(shown));
    node.append(decision.node);
    return { node, read: decision.read };
  }
  const rows = element("div", { class: "rows", "aria-live": "off" });
  const problem = element("p", { class: "problem", role: "status" });
  const restore = element("button", { type: "button", class: "quiet", hidden: true }, words.asProposed);
  const keep = (next: PlanDraft): void => {
    draft = next;
    const changed = isChanged(next, proposed);
    // What the server proposed it also takes.
    const fault = changed ? problemOf(next) : null;
    problem.textContent = fault === null ? "" : words.planProblems[fault];
    restore.hidden = !changed;
    decision.update({ changed, approvable: fault === null });
  };
  const redraw = (next: PlanDraft, focus: string | null): void => {
    keep(next);
    rows.replaceChildren(...drawSections(next, { read: () => draft ?? next, keep, redraw }));
    if (focus !== null) focusRow(rows, focus);
  };
  redraw(draft, null);
  restore.addEventListener("click", () => {
    const first = draftFor(asked);
    if (first) redraw(first, `text ${first.sections[0]?.key}`);
  });
  const more = (): void => {
    if (draft) redraw(addSection(draft), `text ${draft.next}`);
  };
  const adding = element("button", { type: "button", class: "quiet", click: more }, words.addSection);
  node.append(rows, element("div", { class: "actions" }, adding, restore), problem, decision.node);
  return { node, read: decision.read };
}
