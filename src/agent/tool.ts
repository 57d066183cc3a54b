// Port: a tool, its schema and what it does in one value. `runTool` is the one way to call one: it checks the arguments,
// bounds time and output, and turns whatever happens into a result.
import type { z } from "zod";
import type { Plan } from "../protocol/plan/task.ts";
import type { Interrupt } from "../protocol/run.ts";
import type { Challenge } from "./plan/evidence.ts";
import type { OnOutput, Sandbox } from "./sandbox.ts";

/** What a tool may touch. Built for one call. */
export interface ToolContext {
  tool_call_id: string;
  sandbox: Sandbox;
  /** The plan as it stands; a plan tool returns the changed one in its result. */
  plan: Plan;
  plan_order: "strict" | "free";
  /** Asked by a plan tool before it gives a changed plan: why the change is sent back for want of evidence, or null. */
  challenge?: (changed: Plan) => Challenge | null;
  now: () => number;
  /** A result of this thread as it was before its middle was cut; null where there is none under that id. */
  readResult: (tool_call_id: string) => string | null;
  onOutput: OnOutput;
  /** Aborts at the tool's time limit and when the run is cancelled. */
  signal: AbortSignal;
}

/** What a person is asked; ids and the time limit come from the loop. */
export type Question = Omit<Interrupt, "id" | "tool_call_id" | "expires_at">;

export interface ToolResult {
  /** For the model. */
  content: string;
  is_error: boolean;
  /** The content with its middle, where that was cut. */
  whole?: string;
  /** For people and logs: small, plain JSON. */
  details?: Record<string, unknown>;
  /** The changed plan, of a plan tool that changed it. */
  plan?: Plan;
  /** A link that the sandbox now serves. */
  preview?: { port: number; url: string };
  /** The run waits for a person; `content` is not used, the answer becomes the result. */
  interrupt?: Question;
  /** The run ends with this text once the results of the message are stored. */
  complete?: string;
  /** The run can't go on. */
  fatal?: { code: "sandbox_error"; message: string };
}

/** Sections and tasks as `create_tasks` takes them. */
export interface PlanProposal {
  sections: { title: string; tasks: string[] }[];
}

/** Arguments that are described by JSON Schema, as another server lists its tools. See `calls/json-schema.ts`. */
export interface JsonArguments {
  json_schema: Record<string, unknown>;
}

export interface Tool<Arguments = unknown> {
  name: string;
  description: string;
  /** The source that lists it, of a tool that others describe; absent where it is the server's own. */
  source?: string;
  /** `execute` gets arguments that fit it. */
  schema: z.ZodType<Arguments> | JsonArguments;
  /** `work` starts the due task; `plan` and `memory` (what the thread has already) never do; `control` ends or interrupts the run. */
  kind: "plan" | "work" | "control" | "memory";
  /** Read-only calls that stand side by side in one message run side by side. */
  read_only: boolean;
  /** What a next life does with a call that has begun and has no result. */
  recovery: "repeat" | "reattach" | "report";
  /** In ms; a number, or what the arguments ask for. */
  time_limit_ms: number | ((input: Arguments) => number);
  /** Longest content for the model, in characters; the middle of what is longer is cut. */
  output_limit?: number;
  /** What approvals are held against: a command, paths. The values of its arguments where a tool does not say. */
  subjects?(input: Arguments): string[];
  /** What a person is to approve, of a tool that plans; null where the call changes nothing or is refused anyway. */
  propose?(input: Arguments, plan: Plan): PlanProposal | null;
  /** May throw `SandboxError`; anything else that it throws is a bug and becomes an error result too. */
  execute(input: Arguments, context: ToolContext): Promise<ToolResult>;
  /** Ends what a call that a former life began has left running, where the run is cancelled before it is re-attached. */
  abandon?(context: ToolContext): Promise<void>;
}

/** Ties the schema's type to `execute`, then forgets it, so that tools of all kinds stand in one list. */
export function defineTool<Arguments>(tool: Tool<Arguments>): Tool {
  return tool as unknown as Tool;
}
