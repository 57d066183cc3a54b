// The sandboxes of a memory provider, by name: it has these where another provider has a cloud.
import { SandboxError } from "../../src/agent/sandbox.ts";
import type { SandboxRequest } from "../../src/sandboxes/index.ts";
import { MemorySandbox } from "./sandbox.ts";

const MAX_MACHINES = 20;

export interface Machine {
  id: string;
  labels: Record<string, string>;
  created_at: string;
  isRunning: boolean;
  computer: MemorySandbox;
}

export type Machines = Map<string, Machine>;

/** One user of a machine: a life of a thread's object, or a request. Creates and starts the machine if necessary. */
export class MachineUse {
  readonly #machines: Machines;
  readonly #request: SandboxRequest;
  /** The machine whose files the model knows. */
  #known: string | null;
  #opened: string | null = null;
  #state = "";

  constructor(machines: Machines, request: SandboxRequest) {
    this.#machines = machines;
    this.#request = request;
    this.#known = request.known ?? null;
  }

  /** The machine in any state; null if there is none. */
  find(): Machine | null {
    return this.#machines.get(this.#request.name) ?? null;
  }

  async open(signal: AbortSignal): Promise<Machine> {
    signal.throwIfAborted();
    const machine = this.find() ?? (await this.#make());
    if (!machine.isRunning) {
      this.#report("starting", "The sandbox is being started.");
      machine.isRunning = true;
    }
    this.#opened = machine.id;
    if (this.#known === null) this.#setKnown(machine.id);
    this.#report("started", "The sandbox is ready.");
    return machine;
  }

  /** True once if the machine is another one than the model knows. */
  takeReplaced(): boolean {
    if (this.#opened === null || this.#opened === this.#known) return false;
    this.#setKnown(this.#opened);
    return true;
  }

  stop(): void {
    const machine = this.find();
    if (!machine) return;
    machine.isRunning = false;
    machine.computer.stop();
  }

  destroy(isTarget: (labels: Record<string, string>) => boolean): void {
    const machine = this.find();
    if (!machine || !isTarget(machine.labels)) return;
    this.stop();
    this.#machines.delete(this.#request.name);
  }

  async #make(): Promise<Machine> {
    const { name, labels, isWanted, count } = this.#request;
    if (isWanted && !(await isWanted())) throw new SandboxError("unavailable", "The project was deleted.");
    await count?.take({});
    // Another user may have created it meanwhile.
    const found = this.find();
    if (found) return found;
    if (this.#machines.size >= MAX_MACHINES) {
      throw new SandboxError("unavailable", `There are ${MAX_MACHINES} sandboxes already. Delete one first.`);
    }
    const lost = this.#known === null ? "" : " The files of the former one are lost.";
    this.#report("creating", `A sandbox is being made.${lost}`);
    const created_at = new Date().toISOString();
    const machine = { id: crypto.randomUUID(), labels, created_at, isRunning: true, computer: new MemorySandbox() };
    this.#machines.set(name, machine);
    return machine;
  }

  #setKnown(id: string): void {
    this.#known = id;
    this.#request.onKnown?.(id);
  }

  #report(state: string, message: string): void {
    if (state === this.#state) return;
    this.#state = state;
    this.#request.onState?.(state, message);
  }
}
