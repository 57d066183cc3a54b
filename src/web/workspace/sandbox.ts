// The state of a project's sandbox, in one store for all parts of the workspace: starting it in one shows in the
// others. Reading the state never starts a sandbox. It is read when a part is opened and when the thread reports a
// change.
import { useEffect } from "react";
import { useApp } from "../app/context.ts";
import type { Api } from "../client/api.ts";
import { describeProblem, type Problem } from "../state/problem.ts";
import { Store, useStore } from "../state/store.ts";
import type { ThreadStore } from "../state/thread-store.ts";
import { pathOfSandbox } from "./project.ts";

export interface Sandbox {
  /** The provider's state; `none` where there is no sandbox. */
  state: string;
  reason: string | null;
  cpu: number | null;
  memory: number | null;
  disk: number | null;
  auto_stop_minutes: number | null;
}

export interface SandboxView {
  /** Null until it is read. */
  sandbox: Sandbox | null;
  /** The action in progress. */
  order: "start" | "stop" | null;
  problem: Problem | null;
}

/** Starting a new sandbox takes longer than any other request. */
const orderMs = 200_000;

export class SandboxStore {
  readonly view = new Store<SandboxView>({ sandbox: null, order: null, problem: null });
  readonly #api: Api;
  readonly #path: string;
  /** One read at a time; whoever asks in the meantime asks for one more. */
  #isReading = false;
  #isDue = false;
  #orders = 0;

  constructor(api: Api, project: string) {
    this.#api = api;
    this.#path = pathOfSandbox(project);
  }

  async read(): Promise<void> {
    this.#isDue = true;
    if (this.#isReading) return;
    this.#isReading = true;
    // An order in progress is answered with the state.
    while (this.#isDue && this.view.get().order === null) {
      this.#isDue = false;
      const orders = this.#orders;
      // What was read before an order may arrive after its answer.
      await this.#attempt(
        () => this.#api.get<Sandbox>(this.#path),
        () => orders === this.#orders,
      );
    }
    this.#isReading = false;
  }

  async give(order: "start" | "stop"): Promise<void> {
    this.#orders += 1;
    this.view.change((view) => ({ ...view, order, problem: null }));
    await this.#attempt(() => this.#api.send<Sandbox>("POST", `${this.#path}/${order}`, undefined, orderMs));
    this.view.change((view) => ({ ...view, order: null }));
  }

  async #attempt(act: () => Promise<Sandbox>, isWanted = () => true): Promise<void> {
    try {
      const sandbox = await act();
      if (isWanted()) this.view.change((view) => ({ ...view, sandbox, problem: null }));
    } catch (error) {
      if (isWanted()) this.view.change((view) => ({ ...view, problem: describeProblem(error) }));
    }
  }
}

const stores = new WeakMap<Api, Map<string, SandboxStore>>();

function storeOf(api: Api, project: string): SandboxStore {
  const ofServer = stores.get(api) ?? new Map<string, SandboxStore>();
  stores.set(api, ofServer);
  const store = ofServer.get(project) ?? new SandboxStore(api, project);
  ofServer.set(project, store);
  return store;
}

/** Reads again while it is shown and when the thread reports a change. */
export function useSandbox(
  thread: ThreadStore,
  project: string,
  isShown: boolean,
): SandboxView & { store: SandboxStore } {
  const { api } = useApp();
  const store = storeOf(api, project);
  const reported = useStore(thread.view.shown, (view) => view.conversation.state.sandbox.state);
  // biome-ignore lint/correctness/useExhaustiveDependencies: a change in the thread's state is the reason to read
  useEffect(() => {
    if (isShown) void store.read();
  }, [store, reported, isShown]);
  return { ...useStore(store.view), store };
}
