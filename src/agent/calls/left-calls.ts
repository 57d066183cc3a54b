// Calls that an earlier life or run left without results. Their tool may be gone by now, and another source may have
// come to list one of the same name, which must not get them: so each reply is stored with the sources of its calls.
import type { ToolCall } from "../../protocol/message.ts";
import type { RunState } from "../loop-state.ts";
import type { ToolResult } from "../tool.ts";

/** The sources of the called tools, by call id. Empty without a tool of a source. */
export function listSources(calls: readonly ToolCall[], { tools }: RunState): Map<string, string> {
  const sources = new Map<string, string>();
  for (const { id, function: called } of calls) {
    const source = tools.get(called.name)?.source;
    if (source !== undefined) sources.set(id, source);
  }
  return sources;
}

/**
 * Answers the calls that must not be made: those that have started, if their tool says so or no longer exists, and those
 * whose name is another tool's by now. The model reads that, and checks what happened.
 */
export function answerLeft(calls: readonly ToolCall[], { tools, input }: RunState): Map<string, ToolResult> {
  const answers = new Map<string, ToolResult>();
  const answer = (id: string, content: string) => answers.set(id, { content, is_error: true });
  for (const { id, function: called } of calls) {
    const tool = tools.get(called.name);
    const isSame = tool?.source === input.call_sources.get(id);
    const recovery = (isSame && tool?.recovery) || "report";
    if (recovery === "report" && input.started_calls.includes(id)) {
      answer(
        id,
        `interrupted: the server was restarted while ${called.name} ran. It may have happened: check before you do it again.`,
      );
    } else if (tool !== undefined && !isSame) {
      answer(id, `not executed: ${called.name} is another tool by now. Call it again if that is still right.`);
    }
  }
  return answers;
}
