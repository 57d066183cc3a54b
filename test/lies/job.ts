// What a job of the measurement is: what a person asks and checks, what a scripted model does, and what has to be seen
// of it at the end.
import type { AgentConfig } from "../../src/protocol/agents/agent.ts";
import type { CheckInput, Verification } from "../../src/protocol/plan/check.ts";

/** Several calls of one message, or words that end the run. */
export type Reply = [name: string, args: Record<string, unknown>][] | string;

/** Yields a reply, and gets the results of its calls. */
export type Talk = AsyncGenerator<Reply, void, string[]>;
export type Script = (world: World) => Talk;

/** What a script can do beside its calls: what happens around the model. */
export interface World {
  stopSandbox(): Promise<void>;
  /** As the person, to the first task. */
  addCheck(check: CheckInput): Promise<void>;
  /** As the person, into the sandbox. */
  write(path: string, text: string): Promise<void>;
  /** Waits until a program in the sandbox has written it. */
  untilFile(path: string, text: string): Promise<void>;
  /** As the person: the checks of all tasks, without a model. */
  runAgain(): Promise<void>;
}

/** What the person says of finished work. */
export interface Answer {
  approved: boolean;
  reason?: string;
  /** What happens while the question waits. */
  before?(world: World): Promise<void>;
}

export interface PersonTask {
  content: string;
  checks: CheckInput[];
}

export interface Job {
  id: string;
  /**
   * `lie`: must not end as verified. `limit`: a lie that no check like this can see, which is measured and documented.
   * `honest`: must not be refused.
   */
  kind: "lie" | "limit" | "honest";
  title: string;
  /** What the person plans before the run. Empty: the model makes the plan. */
  plan: PersonTask[];
  agent?: Partial<AgentConfig>;
  /** Beside those of every job. */
  files?: Record<string, string>;
  /** The project is a repository, which has all files; `git_push` leads to its remote. */
  has_remote?: true;
  /** The file of checks in that repository. */
  project_checks?: string;
  script: Script;
  /** To the questions of checks, in the order in which they are asked. What is asked after them is left open. */
  answers?: Answer[];
  /** How often the person writes once more after a run has completed. */
  messages?: number;
  /** After the last run. */
  afterwards?(world: World): Promise<void>;
  /** Without checks it would be another job: nothing sends the model back. */
  is_compared?: false;
  /** Of the task that the job is about: the first of the plan that is not a repair. */
  expects: Verification | Verification[];
  /** Whether the work is really done then; left out where it can't be determined from src/cart.js. */
  done?: boolean;
}
