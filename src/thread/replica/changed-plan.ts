// Whether D1 lacks the plan, and which run is behind its change.
import type { Run } from "../../protocol/run.ts";
import type { ThreadBatch } from "../../store/batch.ts";

type Cause = Omit<NonNullable<ThreadBatch["plan_change"]>, "seq">;

export class ChangedPlan {
  isDirty = true;
  /** The run that changed it last. */
  #run: string | null;
  /** The highest number of hops of the runs that changed it since the last batch. */
  #hops: number;

  /** `begun`: the run that a life finds at work. */
  constructor(begun: Run | undefined) {
    this.#run = begun?.invocation_id ?? null;
    this.#hops = begun?.hops ?? 0;
  }

  /** `run` is null if it was changed between runs. `hops` are those of a change that was not the run's. */
  mark(run: Run | null, hops: number): void {
    this.isDirty = true;
    this.#run = run?.invocation_id ?? null;
    this.#hops = Math.max(this.#hops, run?.hops ?? 0, hops);
  }

  /** For a batch that has the plan if it changed. `giveBack` is to be called if the batch failed. */
  take(): { cause: Cause; giveBack: () => void } {
    const [wasDirty, hops] = [this.isDirty, this.#hops];
    this.isDirty = false;
    this.#hops = 0;
    return {
      cause: { invocation_id: this.#run, ...(hops > 0 && { hops }) },
      giveBack: () => {
        this.isDirty ||= wasDirty;
        this.#hops = Math.max(this.#hops, hops);
      },
    };
  }
}

/** In place of what `take` returns, for a batch without the plan. */
export const noChange: ReturnType<ChangedPlan["take"]> = { cause: { invocation_id: null }, giveBack: () => {} };
