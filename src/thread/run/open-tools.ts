// The tools of a run: the server's own, and those that sources list for its agent. They are looked up when the run
// starts, and again in each later life. A source that fails or is slow costs the run only its tools.
import type { Tool } from "../../agent/tool.ts";
import { admitTools, createToolQuota, type ToolRequest, type ToolSource } from "../../agent/tool-source.ts";
import { logError, logWarning } from "../../lib/log.ts";
import { withinTime } from "../../lib/time-limit.ts";
import { type Life, noteError } from "../life.ts";
import type { RunRecord } from "../rows/runs.ts";

/** Short, since a person waits for the first word meanwhile. */
const LIST_MS = 10_000;

export interface OpenedTools {
  tools: Tool[];
  /** Sources that could not list their tools; the prompt names them. */
  unavailable: string[];
}

export async function openTools(life: Life, record: RunRecord, signal: AbortSignal): Promise<OpenedTools> {
  const { tools, toolSources, contextTokens } = life.ports;
  if (toolSources.length === 0) return { tools, unavailable: [] };
  const opened: OpenedTools = { tools: [...tools], unavailable: [] };
  const { user_id, thread_id, invocation_id } = record.run;
  const fields = { user_id, thread_id, invocation_id };
  const request = { agent: record.agent, thread: life.thread };
  const lists = await Promise.allSettled(toolSources.map((source) => listTools(source, request, life, signal)));
  const taken = [...tools, ...(record.input?.client_tools ?? [])].map(({ name }) => name);
  const quota = createToolQuota(taken, contextTokens(record.run.model));
  for (const [place, { name: source }] of toolSources.entries()) {
    try {
      const { tools: admitted, left_out, reason } = admitTools(source, readList(lists[place]), quota);
      opened.tools.push(...admitted);
      // One line, however many there are: the source's operator decides their number.
      if (reason !== null) logWarning("tools_left_out", { ...fields, source, left_out, reason });
    } catch (error) {
      opened.unavailable.push(source);
      if (signal.aborted) continue;
      logError("tools_not_listed", error, { ...fields, source });
      noteError(life, `the tools of ${source} could not be listed; see the log`);
    }
  }
  return opened;
}

function readList(list: PromiseSettledResult<Tool[]> | undefined): Tool[] {
  if (list?.status !== "fulfilled") throw list?.reason;
  return list.value;
}

/** Rejects if the source does not answer in time, or the run is cancelled. */
async function listTools(source: ToolSource, request: ToolRequest, life: Life, signal: AbortSignal): Promise<Tool[]> {
  signal.throwIfAborted();
  const over = new AbortController();
  const until = AbortSignal.any([signal, over.signal]);
  const stopped = new Promise<never>((_resolve, reject) => {
    until.addEventListener("abort", () => reject(until.reason), { once: true });
  });
  try {
    const listed = Promise.resolve().then(() => source.listTools(request, until));
    return await withinTime(life.ports.clock, LIST_MS, source.name, Promise.race([listed, stopped]));
  } finally {
    over.abort();
  }
}
