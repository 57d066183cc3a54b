// Approve or decline, with a reason. Alone it is two buttons; among others a choice that is sent with theirs.
import type { InterruptAnswer } from "../../protocol/thread.ts";
import { decline } from "../client/interrupts.ts";
import { element } from "../element.ts";
import { words } from "../words.ts";
import type { PartContext } from "./part.ts";

export interface Decision {
  node: HTMLElement;
  read(): InterruptAnswer | null;
  /** Approving something that was changed is called so; what can't be approved as it stands can only be declined. */
  update(state: { changed: boolean; approvable: boolean }): void;
}

/** A reason is a sentence or a few, which the model reads as it is. */
const mostReason = "1000";

export function drawDecision(id: string, approve: () => InterruptAnswer, context: PartContext): Decision {
  const reason = element("input", {
    type: "text",
    class: "reason",
    maxlength: mostReason,
    placeholder: words.declineReason,
    "aria-label": words.declineReason,
  });
  const refuse = (): InterruptAnswer => decline(id, reason.value);
  return context.lone ? drawButtons(approve, refuse, reason, context) : drawChoice(id, approve, refuse, reason);
}

function drawButtons(
  approve: () => InterruptAnswer,
  refuse: () => InterruptAnswer,
  reason: HTMLInputElement,
  { give }: PartContext,
): Decision {
  const approving = element("button", { type: "button", click: () => give(approve()) }, words.approve);
  // The only button that sends the form is the one that declines: Enter behind a reason must not approve.
  const declining = element("button", { type: "submit", class: "quiet" }, words.decline);
  return {
    node: element("div", { class: "actions decision" }, approving, declining, reason),
    read: refuse,
    update: ({ changed, approvable }) => {
      approving.textContent = changed ? words.approveChanged : words.approve;
      approving.disabled = !approvable;
    },
  };
}

function drawChoice(
  id: string,
  approve: () => InterruptAnswer,
  refuse: () => InterruptAnswer,
  reason: HTMLInputElement,
): Decision {
  const makeRadio = () => element("input", { type: "radio", name: `decision ${id}`, required: true });
  const [approving, declining] = [makeRadio(), makeRadio()];
  const label = document.createTextNode(words.approve);
  reason.addEventListener("input", () => {
    if (reason.value.trim() !== "") declining.checked = true;
  });
  return {
    node: element(
      "div",
      { class: "actions decision" },
      element("label", { class: "choice" }, approving, label),
      element("label", { class: "choice" }, declining, words.decline),
      reason,
    ),
    read: () => (approving.checked ? approve() : declining.checked ? refuse() : null),
    update: ({ changed, approvable }) => {
      label.data = changed ? words.approveChanged : words.approve;
      approving.disabled = !approvable;
      if (!approvable) approving.checked = false;
    },
  };
}
