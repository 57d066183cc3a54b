// Port: a tool, with its schema and what it does in one value. `prepareCall` checks the arguments of a call. `runTool`
// is the only way to execute one: it bounds time and output, and turns any failure into a result.
import type { z } from "zod";
import type { AgentConfig } from "../protocol/agents/agent.ts";
import type { Failure } from "../protocol/error.ts";
import type { CheckInput, Receipt } from "../protocol/plan/check.ts";
import type { Plan, Task } from "../protocol/plan/task.ts";
import type { Interrupt } from "../protocol/run.ts";
import type { Weakening } from "./checks/weakening.ts";
import type { Challenge } from "./plan/evidence.ts";
import type { OnOutput, Sandbox } from "./sandbox.ts";
import type { Source, Sources } from "./sources.ts";
import type { CallSpending } from "./spending.ts";

/**
 * What `make` resolves to, made once in a run for each key: for answers that cost money or a site's patience. It
 * outlives a crash, and is dropped some time after the run. Calls that ask for the same key at the same time share one
 * `make`; if that rejects, they all reject, and the next call makes it again. A text over 4 Mi characters is not kept.
 */
export type RunCache = (key: string, make: () => Promise<string>) => Promise<string>;

/**
 * Counts a search or a page more, which cost the operator money or others' patience, or resolves to the refusal, which
 * says when the day's quota begins again. Never rejects: what nobody can count is let through.
 */
export type TakeUse = () => Promise<Failure | null>;

/** What a tool may use. Built for one call. */
export interface ToolContext {
  tool_call_id: string;
  sandbox: Sandbox;
  /** The agent's commands need a person's approval: nothing that the tool uses may run programs which files name. */
  runs_no_programs?: boolean;
  /** The current plan. A plan tool returns the changed one in its result. */
  plan: Plan;
  plan_order: "strict" | "free";
  /** What the agent says about checks that the model weakens. */
  checks?: AgentConfig["checks"];
  /** What a person was asked before this call was made, and agreed to. */
  granted?: "approval" | "plan_approval";
  /**
   * A plan tool calls it before it returns a changed plan: the reason to send the change back for lack of evidence, or
   * null.
   */
  challenge?: (changed: Plan) => Challenge | null;
  now: () => number;
  /** A result of this thread with its middle; null if none is kept under that id. */
  readResult: (tool_call_id: string) => string | null;
  sources: Sources;
  cache: RunCache;
  /** For a tool that asks a model: it reserves each call, and settles it or gives it up. */
  spending: CallSpending;
  /** Ask it before each use, and not for what the run's cache has. */
  takeUse: TakeUse;
  onOutput: OnOutput;
  /** Aborts at the tool's time limit and when the run is cancelled. */
  signal: AbortSignal;
}

/** What a person is asked. The loop adds ids and the time limit. */
export type Question = Omit<Interrupt, "id" | "tool_call_id" | "expires_at">;

export interface ToolResult {
  /** For the model. */
  content: string;
  is_error: boolean;
  /** The content with its middle, if that was cut out. */
  whole?: string;
  /** For people and logs: small, plain JSON. */
  details?: Record<string, unknown>;
  /** The changed plan, if a plan tool changed it. */
  plan?: Plan;
  /** What was seen of the tasks that the change completes. The loop adds it. */
  receipts?: Receipt[];
  /** A check has failed, so the tasks stay open: `plan` differs in what was seen alone, and no later call is made. */
  stays_open?: true;
  /** Tasks that end as failed with it. */
  gave_up?: Task[];
  /** The sandbox that the content introduces. */
  introduces?: string;
  /** What the content names, by the numbers of `ToolContext.sources`. */
  sources?: Source[];
  /** Addresses in the content may be fetched: all of it is the words of others, none of which the model can have written. */
  names_addresses?: boolean;
  /** A link that the sandbox now serves. */
  preview?: { port: number; url: string };
  /** The run waits for a person. Their answer becomes the result, and `content` is not used. */
  interrupt?: Question;
  /** The run ends with this text once the results of the message are stored. */
  complete?: string;
  /** The run can't continue. */
  fatal?: { code: "sandbox_error"; message: string };
}

/** Sections and tasks in the form that `create_tasks` takes. */
export interface PlanProposal {
  sections: { title: string; tasks: (string | { content: string; checks: CheckInput[] })[] }[];
}

/** A file or folder of the sandbox that a call writes, changes, moves or deletes. */
export interface FileWrite {
  path: string;
  /** What is written; null if it is not known before the call is made. */
  text: string | null;
  /** What is below the path comes or goes with it. */
  is_tree?: boolean;
}

/** Arguments described by JSON Schema, as another server lists its tools. See `calls/json-schema.ts`. */
export interface JsonArguments {
  json_schema: Record<string, unknown>;
}

export interface Tool<Arguments = unknown> {
  name: string;
  description: string;
  /** The source that listed the tool; absent for the server's own tools. */
  source?: string;
  /** `execute` receives arguments that fit it. */
  schema: z.ZodType<Arguments> | JsonArguments;
  /**
   * `work` starts the due task. `plan` and `memory` (what the thread holds already) never do. `control` ends or
   * interrupts the run.
   */
  kind: "plan" | "work" | "control" | "memory";
  /** Read-only calls that are neighbours in one message run in parallel. */
  read_only: boolean;
  /**
   * Waits for nothing outside of the thread. Then a call is stored when it has its result, with the reply that made it:
   * one transaction instead of two. Such a tool recovers with `repeat`. The loop waits all the same where the call
   * completes a task with checks.
   */
  local?: true;
  /** What the next life does with a call that has started and has no result. */
  recovery: "repeat" | "reattach" | "report";
  /** In ms: a number, or a function of the arguments. */
  time_limit_ms: number | ((input: Arguments) => number);
  /** The longest content for the model, in characters. The middle of a longer one is cut out. */
  output_limit?: number;
  /** What approvals are matched against: a command, paths. Without this method, the values of the arguments. */
  subjects?(input: Arguments): string[];
  /** Where the agent has no approvals for this tool, those for the named one hold. */
  approved_as?: string;
  /** For a tool that writes files in the sandbox: which. What makes programs run is asked about as commands are. */
  writes?(input: Arguments): FileWrite[];
  /** For a tool that plans: what a person must approve; null if the call changes nothing or is refused anyway. */
  propose?(input: Arguments, plan: Plan): PlanProposal | null;
  /** For a tool that plans: the commands that the server runs later because of this call, and did not have before. */
  plansCommands?(input: Arguments, plan: Plan): string[];
  /** For a tool that plans: the public addresses that the server asks later because of this call. */
  plansAddresses?(input: Arguments, plan: Plan): string[];
  /** For a tool that reads addresses: why a check must not ask this one, as a sentence; null if it may. */
  barsAddress?(address: string, sources: Pick<Sources, "isNamed">): string | null;
  /** For a tool that plans: what the call weakens. Empty if it is refused anyway. */
  weakens?(input: Arguments, plan: Plan, order: "strict" | "free"): Weakening[];
  /** May throw `SandboxError`. Any other error is a bug, and becomes an error result too. */
  execute(input: Arguments, context: ToolContext): Promise<ToolResult>;
  /**
   * Stops what a call of an earlier life has left running, when the run is cancelled before the call is re-attached.
   */
  abandon?(context: ToolContext): Promise<void>;
}

/** Checks the schema's type against `execute`, then drops it, so that all tools fit in one list. */
export function defineTool<Arguments>(tool: Tool<Arguments>): Tool {
  return tool as unknown as Tool;
}
