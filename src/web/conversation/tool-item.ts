// A tool call, and what its result says of how it ended: a result is text for the model, without a mark for failures.
import type { Item } from "../client/conversation.ts";

export type ToolItem = Extract<Item, { kind: "tool" }>;

type Ending = Pick<ToolItem, "name" | "result" | "open">;

export interface Outcome {
  /** `left`: it was requested and has no result: it waits for approval, or its run was stopped. */
  state: "open" | "left" | "done" | "failed";
  exitCode: string | null;
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

/** Calls of any tool that failed, were cut off, or were not made. */
const failure = /^(?:error|interrupted|declined|not executed)\b/i;

/** The result of a command begins with its exit code. */
export function readOutcome({ name, result, open }: Ending): Outcome {
  if (result === null) return { state: open ? "open" : "left", exitCode: null };
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
