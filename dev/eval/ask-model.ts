// Sends one request to the model as the first step of a run does: the real system prompt, the real tools, the same
// port, the same retries. No tool is executed: the evaluation scores the first move.
import { setTimeout as wait } from "node:timers/promises";
import { describeTool } from "../../src/agent/calls/tool-arguments.ts";
import type { Model, ModelMessage, ModelRequest } from "../../src/agent/model.ts";
import { buildSystemPrompt } from "../../src/agent/prompt/prompt.ts";
import { callWithRetry } from "../../src/agent/reply/call.ts";
import type { Tool } from "../../src/agent/tool.ts";
import { hashText, toHex } from "../../src/lib/hash.ts";
import type { AgentConfig } from "../../src/protocol/agents/agent.ts";
import type { Usage } from "../../src/protocol/run.ts";
import type { EvalRequest } from "./requests.ts";
import { type Reply, type Score, scoreReply } from "./score.ts";

export interface Setup {
  model: Model;
  name: string;
  system: string;
  tools: ModelRequest["tools"];
  /**
   * Changes with each letter of the prompt and of the tools' descriptions, so that results of two prompts can't be
   * mixed up.
   */
  fingerprint: string;
}

export type Outcome = { request: EvalRequest } & (
  | { kind: "scored"; reply: Reply; score: Score; usage: Usage | null }
  /** The model gave no reply, which says nothing about the prompt. */
  | { kind: "failed"; message: string }
);

export async function prepare(model: Model, name: string, agent: AgentConfig, offered: Tool[]): Promise<Setup> {
  const system = buildSystemPrompt({ agent, context: [], tool_names: offered.map((tool) => tool.name) });
  const tools = offered.map(describeTool);
  const fingerprint = toHex(await hashText(system + JSON.stringify(tools))).slice(0, 8);
  return { model, name, system, tools, fingerprint };
}

async function askOnce(setup: Setup, request: EvalRequest, signal: AbortSignal): Promise<Outcome> {
  const messages: ModelMessage[] = [
    { role: "system", content: setup.system },
    { role: "user", content: request.text },
  ];
  const outcome = await callWithRetry(
    { model: setup.name, messages, tools: setup.tools },
    {
      model: setup.model,
      onDelta: () => {},
      newMessageId: () => crypto.randomUUID(),
      sleep: (ms, ended) => wait(ms, undefined, { signal: ended }).catch(() => {}),
      signal,
    },
    new Set(),
  );
  if (outcome.kind === "cancelled") return { request, kind: "failed", message: "stopped" };
  if (outcome.kind !== "message") return { request, kind: "failed", message: outcome.error.message };
  const { message, usage } = outcome.called;
  const reply = { text: message.content ?? "", calls: message.tool_calls ?? [] };
  return { request, kind: "scored", reply, score: scoreReply(request, reply), usage };
}

/**
 * `onOutcome` is called in order of arrival; the returned list has the order of the requests. Starts no request once
 * `signal` has aborted.
 */
export async function askAll(
  setup: Setup,
  asked: EvalRequest[],
  {
    concurrency,
    signal,
    onOutcome,
  }: { concurrency: number; signal: AbortSignal; onOutcome: (outcome: Outcome) => void },
): Promise<Outcome[]> {
  const outcomes: Outcome[] = [];
  const left = asked.entries();
  const work = async (): Promise<void> => {
    for (const [index, request] of left) {
      const outcome: Outcome = signal.aborted
        ? { request, kind: "failed", message: "stopped" }
        : await askOnce(setup, request, signal);
      outcomes[index] = outcome;
      onOutcome(outcome);
    }
  };
  await Promise.all(Array.from({ length: concurrency }, work));
  return outcomes;
}
