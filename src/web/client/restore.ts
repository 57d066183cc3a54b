// Rebuilds the conversation from stored rows, for what was said before the page was opened.
import type { AgUiInterrupt, AgUiMessage, StateValue } from "../../protocol/event.ts";
import type { MessageRow, UserMessage } from "../../protocol/message.ts";
import type { PlanView } from "../../protocol/plan/task.ts";
import type { Run, RunStatus } from "../../protocol/run.ts";
import {
  addMessage,
  addResult,
  addStoredEnd,
  type Conversation,
  emptyConversation,
  type Item,
  noState,
  type RunState,
} from "./conversation.ts";
import { ofRun } from "./requests.ts";
import { addSources, type KnownSource } from "./sources.ts";

const states: Record<RunStatus, RunState> = {
  queued: "waiting",
  running: "running",
  completed: "completed",
  failed: "failed",
  cancelled: "cancelled",
  interrupted: "interrupted",
};

/** `runs` newest first. Rows of a `followed` run are left out, because its stream brings them again. */
export function restore(rows: MessageRow[], plan: PlanView, runs: Run[], followed: string[]): Conversation {
  const items = rows
    .filter((row) => !followed.includes(row.invocation_id ?? ""))
    .reduce(
      (list, row) => (row.is_llm_message ? addLastWord(addRow(list, row), row) : addEnd(list, row)),
      [] as Item[],
    );
  const last = runs[0];
  const sources = addSources(emptyConversation.sources, rows.flatMap(readCites));
  const view: Conversation = { ...emptyConversation, items, sources, state: stateOf(plan) };
  if (!last) return view;
  return {
    ...view,
    run: {
      id: last.invocation_id,
      state: states[last.status],
      error: last.error?.message ?? null,
      unfinished: last.result?.unfinished_tasks ?? 0,
    },
    interrupts: last.status === "interrupted" ? last.interrupts.map(readInterrupt) : [],
  };
}

/** A run's stream ends with the plan as the run left it, and a person may have edited it since. */
export function withPlan(view: Conversation, plan: PlanView): Conversation {
  if (plan.version <= view.state.plan.version) return view;
  return { ...view, state: { ...view.state, plan: stateOf(plan).plan } };
}

function addRow(items: Item[], row: MessageRow): Item[] {
  const messages = readRow(row);
  const ids = messages.map(({ id }) => id);
  return ofRun(messages.reduce(addMessage, items), ids, row.invocation_id);
}

function readRow(row: MessageRow): AgUiMessage[] {
  const id = row.message_id;
  if (row.type === "user") return [{ id, role: "user", content: textOf(row.content.content) }];
  if (row.type === "assistant") {
    const { content, tool_calls } = row.content;
    const { reasoning } = row.metadata;
    const thoughts = typeof reasoning === "string" && reasoning !== "" ? reasoning : null;
    return [
      ...(thoughts === null ? [] : [{ id: `${id}_reasoning`, role: "reasoning" as const, content: thoughts }]),
      { id, role: "assistant", content: content ?? "", toolCalls: tool_calls },
    ];
  }
  if (row.type !== "tool") return [];
  const { tool_call_id, content } = row.content;
  return [{ id, role: "tool", toolCallId: tool_call_id, content }];
}

/** What a text cites: a message, or that of a call that ended its run. */
function readCites({ metadata: { cites } }: MessageRow): KnownSource[] {
  return Array.isArray(cites) ? cites : [];
}

/** The text of the tool `complete` is the run's last word, not a message. */
function addLastWord(items: Item[], { type, invocation_id, content }: MessageRow): Item[] {
  if (type !== "assistant" || invocation_id === null) return items;
  const call = content.tool_calls?.find((each) => each.function.name === "complete");
  const text = call ? readSummary(call.function.arguments) : null;
  return text === null ? items : addResult(items, invocation_id, text);
}

/** Models call it by other names too. */
function readSummary(json: string): string | null {
  try {
    const given = JSON.parse(json) as Record<string, unknown> | null;
    const texts = ["summary", "text", "message", "result"].map((name) => given?.[name]);
    return (texts.find((text) => typeof text === "string" && text.trim() !== "") as string | undefined)?.trim() ?? null;
  } catch {
    return null;
  }
}

/** The row of a run that did not complete. A question is no end: its answer continues it. */
function addEnd(items: Item[], { type, invocation_id, content }: MessageRow): Item[] {
  if (type !== "status" || invocation_id === null) return items;
  const { status, error, unfinished_tasks } = content;
  if (status !== "cancelled" && status !== "failed") return items;
  const said = { state: status, error: error?.message ?? null, unfinished: unfinished_tasks } as const;
  const { code, reason, cap } = error ?? {};
  return addStoredEnd(items, { kind: "end", id: invocation_id, ...said, code, reason, cap });
}

/** A person's message as it is displayed. */
export function textOf(content: UserMessage["content"]): string {
  if (typeof content === "string") return content;
  return content.map((part) => (part.type === "text" ? part.text : "🖼")).join("\n");
}

function stateOf(plan: PlanView): StateValue {
  const sections = plan.sections.map(({ id, title, tasks }) => ({ id, title, tasks }));
  return { ...noState, plan: { version: plan.version, sections } };
}

function readInterrupt(interrupt: Run["interrupts"][number]): AgUiInterrupt {
  const { id, reason, message, tool_call_id, response_schema, expires_at } = interrupt;
  const expiry = expires_at === null ? {} : { expiresAt: expires_at };
  return { id, reason, message, toolCallId: tool_call_id, responseSchema: response_schema, ...expiry };
}
