// What is known of a refusal when it is read for what it teaches: what the server said, and what it was sent.
import type { ModelFailureReason } from "../../protocol/run.ts";
import type { Profile } from "./profile.ts";

/** What was refused: the provider's words, and the field that it names, if any. */
export interface Objection {
  status: number;
  detail: string;
  param: string | null;
  /** Types and codes in lower case. */
  kind: string;
  /** How the refusal is classified for people. */
  reason: ModelFailureReason;
}

/** What the refused request had. */
export interface SentRequest {
  profile: Profile;
  /** Fields that a request can do without. */
  optional_fields: string[];
  model: string;
  images: SentImage[];
  /** Rules that the request was written by. */
  rules: readonly string[];
  /** Those of them that earlier refusals of the same call have taught. */
  lessons: readonly string[];
  /** The operator has set the operation. */
  is_api_set: boolean;
  /** The field of the longest reply. */
  limit_field: string;
  /** Somebody has chosen the effort. */
  is_effort_set: boolean;
  /** Fields that an agent or the operator has chosen, those of objects as `reasoning.summary`. */
  chosen_fields: readonly string[];
  /** The newest item of reasoning that was sent back, by its hash. */
  newest_item: string | null;
}

export interface SentImage {
  hash: string;
  url: string;
  /** It stands behind the model's last reply. */
  is_new: boolean;
}
