// A message may end the run beside its last change of the plan. If that change was refused, the model did not know it
// when it wrote the end, so the end has to wait until it does.
import type { RunState } from "../loop-state.ts";
import type { ModelMessage } from "../model.ts";
import type { ToolResult } from "../tool.ts";

const NOT_YET: ToolResult = {
  content:
    "not executed: a change of the task list in the same message was refused. Read why, finish what is open, then call it again.",
  is_error: true,
};

/** Since the person last spoke. A model that continues like this has not read why, and would never end. */
const MAX_WITHHELD = 3;

/** The result in place of one that would end the run; read from the rows, which the next life has too. */
export function withholdEnd(result: ToolResult, { conversation: { rows }, tools }: RunState): ToolResult {
  if (result.complete === undefined || result.is_error) return result;
  const at = rows.findLastIndex(({ role }) => role === "assistant");
  const message = rows[at];
  if (message?.role !== "assistant") return result;
  const changes = new Set(
    message.tool_calls?.filter(({ function: { name } }) => isChange(tools.get(name))).map(({ id }) => id),
  );
  // A plan tool answers a change with JSON and a refusal with a sentence.
  const isRefused = rows
    .slice(at + 1)
    .some((row) => row.role === "tool" && changes.has(row.tool_call_id) && !row.content.startsWith("{"));
  return isRefused && countWithheld(rows) < MAX_WITHHELD ? NOT_YET : result;
}

function countWithheld(rows: readonly ModelMessage[]): number {
  const since = rows.slice(rows.findLastIndex(({ role }) => role === "user") + 1);
  return since.filter(({ role, content }) => role === "tool" && content === NOT_YET.content).length;
}

function isChange(tool: { kind: string; read_only: boolean } | undefined): boolean {
  return tool?.kind === "plan" && !tool.read_only;
}
