// The suggestions of a question. Apart from the other readings of interrupts, since the page needs it before any form.
import type { AgUiInterrupt } from "../../protocol/event.ts";
import type { InterruptAnswer } from "../../protocol/thread.ts";

/** More choices than this don't help; other answers stay possible. */
const maxChoices = 20;

/** Empty for interrupts of another kind. An unknown reason is a question. */
export function listChoices({ reason, responseSchema: schema }: AgUiInterrupt): string[] {
  if (["approval", "plan_approval", "budget", "check"].includes(reason)) return [];
  const listed: unknown = schema?.enum;
  const choices = (Array.isArray(listed) ? listed : []).filter(
    (choice): choice is string => typeof choice === "string" && choice.trim() !== "",
  );
  return [...new Set(choices)].slice(0, maxChoices);
}

/** Text that a person typed; a choice does not count. */
export function typedIn(answers: InterruptAnswer[], interrupts: AgUiInterrupt[]): string[] {
  return answers.flatMap((answer) => {
    const { interrupt_id, payload } = answer as { interrupt_id: string; payload?: unknown };
    const asked = interrupts.find(({ id }) => id === interrupt_id);
    const isChoice = asked !== undefined && listChoices(asked).includes(String(payload));
    return typeof payload === "string" && !isChoice ? [payload] : [];
  });
}
