// A long run of commands with long outputs, whose model has a small context.

import type { ModelRequest } from "../../src/agent/model.ts";
import { LongRun, type LongRunOptions } from "./long-run.ts";
import { makePlan, makeTool } from "./scripted-run.ts";

export const WINDOW = 20_000;
export const CONSTRAINT = "Build a shop. 必须用人民币，不要用外部 CDN. Never touch /etc.";

/** Output of every kind: prose, JSON, Chinese, hashes; a few results are huge. */
export function output(step: number): string {
  const line = [
    "the quick brown fox jumps over the lazy dog\n",
    '{"id":12,"name":"茶壶","price":18.5,"tags":["a","b"]}\n',
    "商品已经写入数据库，请检查订单。\n",
    "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08\n",
  ][step % 4] as string;
  return line.repeat(step % 50 === 7 ? 2000 : 5 + (step % 30));
}

export const tool = makeTool("execute_command", {
  execute: async (input) => ({ content: output(Number((input as { n: number }).n)), is_error: false }),
});

export function worksFor(steps: number): LongRunOptions["answer"] {
  return (step) =>
    step >= steps
      ? { text: "All done." }
      : // Ids that a server counts anew in each message.
        { text: `Step ${step}.`, calls: [{ id: "call_0", name: "execute_command", arguments: `{"n":${step}}` }] };
}

export function start(more: Partial<LongRunOptions> = {}): LongRun {
  return new LongRun({
    context_tokens: WINDOW,
    // Cancelled tasks need no reminders, and stay in the plan.
    plan: makePlan("completed", "cancelled", "completed"),
    tools: [tool],
    history: [{ role: "user", content: CONSTRAINT }],
    answer: worksFor(30),
    ...more,
  });
}

export const summaryOf = ({ messages }: ModelRequest) => String(messages[1]?.content);
