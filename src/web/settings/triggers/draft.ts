import type { TriggerDraft } from "./trigger.ts";

/** The props of a part of the form: the draft, and how to change it. */
export interface Draft {
  draft: TriggerDraft;
  change: (part: Partial<TriggerDraft>) => void;
}
