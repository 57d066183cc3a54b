// Port: what is known of the project's own checks. Whoever implements it knows the thread's sandbox, and remembers.
import type { ProjectChecks } from "./apply.ts";

export interface ProjectView extends ProjectChecks {
  /** What the model has not yet read in this run, in sentences. */
  notes: string[];
}

/** What the tasks that a call completes owe to the project. */
export interface Owed {
  project: ProjectChecks | null;
  /** What they have changed; null: anything. */
  changed: string[] | null;
  notes: string[];
}

/** Contract: methods reject only with the run's signal's reason. What can't be read is a note, and stops nothing. */
export interface ProjectPort {
  /** Whether `look` may ask the sandbox, or has something to say. False without a checkout, and before one is used. */
  isThere(): boolean;
  /** As far as it is known without a request. */
  known(): ProjectChecks | null;
  /** The checks that count now. Null if the project has no checkout, or this thread has not used it. */
  look(): Promise<ProjectView | null>;
  /** Files of the checkout that have changed since the last task closed; null if that can't be determined. */
  listChanged(): Promise<string[] | null>;
  /** A task has closed: what has changed since `listChanged` is of the next. */
  noteClosed(): void;
}
