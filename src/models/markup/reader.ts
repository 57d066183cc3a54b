// What reads the calls after an opening tag or token, until the text of the reply continues.
import type { Cursor } from "./tags.ts";

/**
 * `on`: there may be more to consume. `wait`: the next characters decide. `done`: text follows. `results`: the model
 * invents results, so all that follows is dropped.
 */
export type Step = "on" | "wait" | "done" | "results";

export interface CallReader {
  step(cursor: Cursor): Step;
  /** Closes what is open. `cut`: the reply reached the output limit. */
  end(cut: boolean): void;
  /** Closes the open call as it is: the reader of the reply left. */
  leave(): void;
}
