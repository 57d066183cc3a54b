import type { TriggerDraft } from "./trigger.ts";

/** A part of the form is given what it holds, and how to change it. */
export interface Draft {
  draft: TriggerDraft;
  change: (part: Partial<TriggerDraft>) => void;
}
