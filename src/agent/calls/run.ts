// The only way to execute a tool: its time and output are bounded, and every outcome becomes a result.
import { cutMiddle } from "../../lib/truncate.ts";
import { SandboxError } from "../sandbox.ts";
import type { Tool, ToolContext, ToolResult } from "../tool.ts";

export interface RunToolPorts {
  sleep: (ms: number, signal: AbortSignal) => Promise<void>;
  /** Aborts when the run is cancelled. */
  signal: AbortSignal;
  /** Receives errors that a tool must not throw. */
  onBug?: (where: string, error: unknown) => void;
}

export const CANCELLED_RESULT: ToolResult = {
  content: "cancelled: the person ended the run before this call had a result.",
  is_error: true,
};

/** About 8,000 tokens. One result never fills a model's context, and a screen of output is far shorter. */
const DEFAULT_OUTPUT_LIMIT = 30_000;

/** How much of a longer result is kept for `read_result`. More than this is a dump of data, which belongs in a file. */
const MAX_KEPT_CHARACTERS = 4 * 1024 * 1024;

/** The limit for what arguments ask for. A command waits for an hour at most, and then has minutes to report that. */
const MAX_TIME_LIMIT_MS = 65 * 60_000;

/** How long a cancelled tool may take to end what it started in the sandbox. A cancel must show within 2 s. */
const CANCEL_GRACE_MS = 1000;

type Ending = { kind: "result"; result: ToolResult } | { kind: "error"; error: unknown } | "late" | "cancelled";

export async function runTool(
  tool: Tool,
  input: unknown,
  context: Omit<ToolContext, "signal">,
  ports: RunToolPorts,
): Promise<ToolResult> {
  if (ports.signal.aborted) return CANCELLED_RESULT;
  const stop = new AbortController();
  const over = new AbortController();
  let onCancel = () => {};
  const cancelled = new Promise<Ending>((resolve) => {
    onCancel = () => resolve("cancelled");
    ports.signal.addEventListener("abort", onCancel, { once: true });
  });
  const toolContext: ToolContext = {
    ...context,
    onOutput: (stream, text) => {
      if (!over.signal.aborted) context.onOutput(stream, text);
    },
    signal: stop.signal,
  };
  try {
    const limit = readTimeLimit(tool, input);
    const work = execute(tool, input, toolContext);
    const late = ports.sleep(limit, over.signal).then((): Ending => "late");
    const ending = await Promise.race([work, late, cancelled]);
    if (typeof ending === "object") return conclude(tool, ending, toolContext, ports);
    // A tool may let work in the sandbox continue after its time limit, but ends it when a person cancels.
    stop.abort(new DOMException(`${tool.name} was stopped`, ending === "late" ? "TimeoutError" : "AbortError"));
    if (ending === "late") return describeLate(tool, limit);
    await Promise.race([work, ports.sleep(CANCEL_GRACE_MS, over.signal)]);
    return CANCELLED_RESULT;
  } catch (error) {
    return describeBug(tool, error, ports);
  } finally {
    over.abort();
    ports.signal.removeEventListener("abort", onCancel);
  }
}

/**
 * Ends what a call of an earlier life has left running. The run ends after the grace period in any case. A request that
 * is under way then still completes.
 */
export async function abandonCall(
  tool: Tool,
  context: Omit<ToolContext, "signal">,
  ports: RunToolPorts,
): Promise<void> {
  if (!tool.abandon) return;
  const over = new AbortController();
  const work = tool.abandon({ ...context, signal: over.signal }).catch((error: unknown) => {
    if (!(error instanceof SandboxError)) ports.onBug?.(`abandoned ${tool.name}`, error);
  });
  await Promise.race([work, ports.sleep(CANCEL_GRACE_MS, over.signal)]);
  over.abort();
}

/** Never rejects, so that a tool which fails after its time limit causes no unhandled rejection. */
async function execute(tool: Tool, input: unknown, context: ToolContext): Promise<Ending> {
  try {
    const result = await tool.execute(input, context);
    return { kind: "result", result: await hideSecrets(result, tool, context) };
  } catch (error) {
    if (!(error instanceof SandboxError)) return { kind: "error", error };
    const { code, message, retry_after_s } = error;
    const hidden = await hideSecrets(message, tool, context).catch(() => null);
    return { kind: "error", error: hidden === null ? error : new SandboxError(code, hidden, retry_after_s) };
  }
}

/** Each string that a tool answers may be of the sandbox: a file, a branch, a line that was found, a failed request. */
async function hideSecrets<Value>(value: Value, { kind }: Tool, { sandbox, signal }: ToolContext): Promise<Value> {
  if (kind !== "work" || sandbox.hideSecrets === undefined) return value;
  const hide = async (inner: unknown): Promise<unknown> => {
    if (typeof inner === "string") return await sandbox.hideSecrets?.(inner, signal);
    if (typeof inner !== "object" || inner === null) return inner;
    if (Array.isArray(inner)) return await Promise.all(inner.map(hide));
    const entries = await Promise.all(
      Object.entries(inner).map(async ([key, each]) => [await hide(key), await hide(each)]),
    );
    return Object.fromEntries(entries);
  };
  return (await hide(value)) as Value;
}

function conclude(tool: Tool, ending: Exclude<Ending, string>, context: ToolContext, ports: RunToolPorts): ToolResult {
  if (ending.kind === "result") {
    return { ...ending.result, ...cutOutput(ending.result.content, tool, context) };
  }
  if (!(ending.error instanceof SandboxError)) return describeBug(tool, ending.error, ports);
  const { code, message } = ending.error;
  const cut = cutOutput(message, tool, context);
  if (code !== "unavailable") return { ...cut, is_error: true, details: { code } };
  return { ...cut, is_error: true, details: { code }, fatal: { code: "sandbox_error", message: cut.content } };
}

function describeBug(tool: Tool, error: unknown, ports: RunToolPorts): ToolResult {
  ports.onBug?.(`tool ${tool.name}`, error);
  return {
    content: `internal error in tool ${tool.name}. It may have done a part of its work: check, then try it another way.`,
    is_error: true,
  };
}

function describeLate(tool: Tool, limit: number): ToolResult {
  const seconds = Math.max(1, Math.round(limit / 1000));
  return {
    content: `${tool.name} was stopped at its time limit of ${seconds} s. It may have done a part of its work: check that first. Then give it less to do at once, allow it more time if it has an argument for that, or let a long command run in the background.`,
    is_error: true,
    details: { time_limit_ms: limit },
  };
}

function readTimeLimit(tool: Tool, input: unknown): number {
  const limit = typeof tool.time_limit_ms === "function" ? tool.time_limit_ms(input) : tool.time_limit_ms;
  return Number.isFinite(limit) ? Math.min(Math.max(limit, 1), MAX_TIME_LIMIT_MS) : MAX_TIME_LIMIT_MS;
}

/** What the model sees of a long result, and the full result, which it can read by the call's id. */
function cutOutput(content: string, tool: Tool, { tool_call_id }: ToolContext): Pick<ToolResult, "content" | "whole"> {
  const limit = tool.output_limit ?? DEFAULT_OUTPUT_LIMIT;
  const whole = content.toWellFormed();
  if (whole.length <= limit) return { content: whole };
  const id = JSON.stringify(tool_call_id);
  const notice = (omitted: number, at: number) =>
    `\n[… ${omitted} characters are left out here and kept: call read_result with {"result_id":${id},"offset":${at}} to go on from here, or with a text to "search" for. …]\n`;
  return {
    content: cutMiddle(whole, limit, notice),
    whole: cutMiddle(whole, MAX_KEPT_CHARACTERS, (omitted) => `\n[… ${omitted} characters were too many to keep …]\n`),
  };
}
