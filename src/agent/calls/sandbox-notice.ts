// Adds to a call's result what the model must know of its sandbox and can't see.
import type { RunState } from "../loop-state.ts";
import type { Tool, ToolResult } from "../tool.ts";

/**
 * A thread that has worked in its sandbox learns when it gets another one; other threads have nothing to lose. Each
 * thread also learns once what there is to know of the sandbox itself, and again with a new sandbox.
 */
export async function withNotice(result: ToolResult, tool: Tool, state: RunState): Promise<ToolResult> {
  if (tool.kind !== "work") return result;
  const { sandbox, signal } = state.ports;
  const notice = sandbox.takeNotice?.() ?? null;
  const repository = sandbox.readRepositoryNotice?.() ?? null;
  // A clone that failed quotes git.
  const hidden = repository === null ? undefined : sandbox.hideSecrets?.(repository, signal);
  const news = hidden === undefined ? repository : await hidden.catch(() => null);
  const isNew = notice !== null && hasWorked(state);
  const secrets = sandbox.readSecretsNotice?.() ?? null;
  const notes = [
    isNew ? notice : null,
    ...[news, secrets].map((text) => (text !== null && (isNew || !wasSent(text, state)) ? text : null)),
  ];
  const lines = notes.flatMap((text) => (text === null ? [] : [`\n[${text}]`]));
  return lines.length === 0 ? result : { ...result, content: `${result.content}${lines.join("")}` };
}

function wasSent(news: string, { conversation: { messages } }: RunState): boolean {
  return messages.some((message) => message.role === "tool" && message.content.includes(`[${news}]`));
}

/** Whether a tool for work has answered before. */
function hasWorked({ conversation: { messages, summary }, tools }: RunState): boolean {
  if (summary !== null) return true;
  const answered = new Set(messages.map((message) => (message.role === "tool" ? message.tool_call_id : "")));
  const calls = messages.flatMap((message) => (message.role === "assistant" ? (message.tool_calls ?? []) : []));
  return calls.some(({ id, function: called }) => answered.has(id) && tools.get(called.name)?.kind === "work");
}
