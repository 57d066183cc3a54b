// A thread whose tool asks a person before each call, and the answers.

import type { InterruptAnswer, RunInput } from "../../src/protocol/thread.ts";
import { peopleTools } from "../../src/tools/people.ts";
import { call, type Reply } from "./replies.ts";
import { FakeThread, type FakeThreadOptions } from "./thread.ts";
import { twoTaskTools } from "./two-task-model.ts";

export const run = { invocation_id: "inv_a" };
export const next = { invocation_id: "inv_b" };
export const work = (...ids: string[]): Reply => call(...ids.map((id) => ({ id, name: "work", input: { what: id } })));

/** A thread whose agent needs approval for `work` on anything that begins with an x. */
export function makeThread(replies: Reply[], options: FakeThreadOptions = {}) {
  const done: string[] = [];
  const tools = [...twoTaskTools(done), ...peopleTools];
  return { done, thread: new FakeThread({ replies, tools, agent: { approvals: { work: ["x*"] } }, ...options }) };
}

export function resume(...resume: InterruptAnswer[]): Partial<RunInput> {
  return { ...next, messages: [], resume };
}

export function answer(interrupt_id: string, payload: unknown): InterruptAnswer {
  return { interrupt_id, status: "resolved", payload };
}

export const approve = (id: string, more = {}) => resume(answer(id, { approved: true, ...more }));
