// Applies a person's edits to the plan, one at a time. An edit that meets a conflict is made once more on the new plan,
// if the new plan still allows it.
import type { PlanState, PlanView } from "../../protocol/plan/task.ts";
import { type Api, ApiError, pathOf } from "../client/api.ts";
import { describeProblem, type Problem } from "../state/problem.ts";
import { Store } from "../state/store.ts";
import type { ThreadStore } from "../state/thread-store.ts";
import { wordsNow } from "../state/words.ts";
import type { PlanEdit } from "./plan-edits.ts";
import { words } from "./words.ts";

export interface PlanEditing {
  /** How many edits are in flight. */
  pending: number;
  problem: Problem | null;
}

export type EditedThread = Pick<ThreadStore, "id" | "view" | "takePlan" | "refresh">;

export interface EditingHost {
  /** Whether the server knows the thread. A new thread can begin with its plan. */
  isBegun(): boolean;
  /** The edit created the thread. */
  begun(): void;
  unauthorized(): void;
}

export class PlanEditor {
  readonly view = new Store<PlanEditing>({ pending: 0, problem: null });
  readonly #api: Pick<Api, "send" | "getPlan">;
  readonly #thread: EditedThread;
  readonly #on: EditingHost;
  #last: Promise<unknown> = Promise.resolve();

  constructor(api: Pick<Api, "send" | "getPlan">, thread: EditedThread, on: EditingHost) {
    this.#api = api;
    this.#thread = thread;
    this.#on = on;
  }

  /** Resolves to whether the edit was made. Each waits for the one before, so that two quick moves are two steps. */
  edit(make: PlanEdit): Promise<boolean> {
    this.view.change(({ pending }) => ({ pending: pending + 1, problem: null }));
    const done = this.#last.then(() => this.#attempt(make));
    this.#last = done;
    return done;
  }

  dismiss(): void {
    this.view.change((view) => ({ ...view, problem: null }));
  }

  async #attempt(make: PlanEdit): Promise<boolean> {
    const problem = await this.#change(make).catch((error: unknown) => {
      if (error instanceof ApiError && error.status === 401) this.#on.unauthorized();
      return describeProblem(error);
    });
    this.view.change((view) => ({ pending: view.pending - 1, problem: problem ?? view.problem }));
    return problem === null;
  }

  async #change(make: PlanEdit): Promise<Problem | null> {
    const said = wordsNow(words);
    if (!this.#on.isBegun()) await this.#begin();
    try {
      return (await this.#send(make, this.#plan())) ? null : { text: said.senseless, detail: null };
    } catch (error) {
      if (error instanceof ApiError && error.code === "version_conflict") return await this.#changeAgain(make);
      throw error;
    }
  }

  async #begin(): Promise<void> {
    await this.#api.send("POST", "/v1/threads", { thread_id: this.#thread.id });
    this.#on.begun();
    this.#thread.refresh();
  }

  async #changeAgain(make: PlanEdit): Promise<Problem | null> {
    const said = wordsNow(words);
    const now = await this.#api.getPlan(this.#thread.id);
    this.#thread.takePlan(now);
    try {
      return (await this.#send(make, now)) ? null : { text: said.senseless, detail: null };
    } catch (error) {
      if (error instanceof ApiError && error.code === "version_conflict") return { text: said.conflict, detail: null };
      throw error;
    }
  }

  /** False where this plan does not allow the edit. */
  async #send(make: PlanEdit, plan: PlanState): Promise<boolean> {
    const operations = make(plan);
    if (operations === null) return false;
    const body = { version: plan.version, operations };
    this.#thread.takePlan(await this.#api.send<PlanView>("PATCH", `${pathOf(this.#thread.id)}/tasks`, body));
    return true;
  }

  #plan(): PlanState {
    return this.#thread.view.latest().conversation.state.plan;
  }
}
