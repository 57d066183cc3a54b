// A tool call, and what its result says of how it ended: a result is text for the model, without a mark for failures.
import type { Item } from "../client/conversation.ts";

export type ToolItem = Extract<Item, { kind: "tool" }>;

type Ending = Pick<ToolItem, "name" | "result" | "open">;

export interface Outcome {
  /**
   * `left`: it was requested and has no result: it waits for approval, or its run was stopped. `declined` and `unmade`
   * calls were never made; of a `stopped` or `unsure` one nobody knows how far it came.
   */
  state: "open" | "left" | "done" | "failed" | Unmade;
  exitCode: string | null;
}

/** How the server's own words begin in place of a result. They are written for the model. */
const openings = {
  declined: /^declined: the person did not approve this /,
  unmade: /^not executed: /,
  stopped: /^cancelled: the person ended/,
  unsure: /^interrupted: the server/,
} satisfies Record<string, RegExp>;

export type Unmade = keyof typeof openings;

/** Whether people read what happened, and not the result, which is the server's words to the model. */
export function isForModel(outcome: Outcome): outcome is Outcome & { state: Unmade } {
  return outcome.state in openings;
}

/** Whether a call of this outcome had its effect, as far as its title may claim. */
export function isMade({ state, exitCode }: Outcome): boolean {
  return state === "done" || exitCode !== null;
}

/** How the results of these begin when they succeeded. Whatever else they say is the reason of a failure. */
const successes: Record<string, string[]> = {
  create_file: ["Wrote "],
  edit_file: ["Edited "],
  delete_file: ["Deleted "],
  move_file: ["Moved "],
  web_search: ["<web_content", "No results"],
  fetch_url: ["["],
};

/** What the server says in place of an answer. */
const notAnswered = "The person did not answer this question.";

/** Calls of any tool that failed or were cut off. */
const failure = /^(?:error|interrupted)\b/i;

/** The result of a command begins with its exit code. */
export function readOutcome({ name, result, open }: Ending): Outcome {
  if (result === null) return { state: open ? "open" : "left", exitCode: null };
  if (name === "ask" && result === notAnswered) return { state: "left", exitCode: null };
  for (const state of Object.keys(openings) as Unmade[]) {
    if (openings[state].test(result)) return { state, exitCode: null };
  }
  const exitCode = /^exit_code: (-?\d+)/.exec(result)?.[1] ?? null;
  const isFailed = exitCode === null ? isRefused(name, result) : exitCode !== "0";
  return { state: isFailed ? "failed" : "done", exitCode };
}

function isRefused(name: string, result: string): boolean {
  const starts = successes[name];
  return failure.test(result) || (starts !== undefined && !starts.some((start) => result.startsWith(start)));
}

/** Whether the result of a change of a file says more than that it was made: why not, or what differs. */
export function tellsMore(item: Ending): boolean {
  return readOutcome(item).state === "failed" || !/\)\.$/.test(item.result?.split("\n", 1)[0] ?? "");
}
