// The sandboxes that a memory provider has made, by name: what a cloud would be for another provider.
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

/** One user of a machine: a life of a thread's object, or a request. It makes and starts the machine where it has to. */
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

  /** As it is; null where there is none. */
  find(): Machine | null {
    return this.#machines.get(this.#request.name) ?? null;
  }

  async open(signal: AbortSignal): Promise<Machine> {
    signal.throwIfAborted();
    const machine = this.find() ?? (await this.#make());
    if (!machine.isRunning) {
      this.#tell("starting", "The sandbox is being started.");
      machine.isRunning = true;
    }
    this.#opened = machine.id;
    if (this.#known === null) this.#know(machine.id);
    this.#tell("started", "The sandbox is ready.");
    return machine;
  }

  /** True once where it is another machine than the model knows. */
  takeNews(): boolean {
    if (this.#opened === null || this.#opened === this.#known) return false;
    this.#know(this.#opened);
    return true;
  }

  stop(): void {
    const machine = this.find();
    if (!machine) return;
    machine.isRunning = false;
    machine.computer.stop();
  }

  destroy(isMeant: (labels: Record<string, string>) => boolean): void {
    const machine = this.find();
    if (!machine || !isMeant(machine.labels)) return;
    this.stop();
    this.#machines.delete(this.#request.name);
  }

  async #make(): Promise<Machine> {
    const { name, labels, isWanted } = this.#request;
    if (isWanted && !(await isWanted())) throw new SandboxError("unavailable", "The project was deleted.");
    // Another one may have made it meanwhile.
    const found = this.find();
    if (found) return found;
    if (this.#machines.size >= MAX_MACHINES) {
      throw new SandboxError("unavailable", `There are ${MAX_MACHINES} sandboxes already. Delete one first.`);
    }
    const lost = this.#known === null ? "" : " The files of the former one are lost.";
    this.#tell("creating", `A sandbox is being made.${lost}`);
    const created_at = new Date().toISOString();
    const machine = { id: crypto.randomUUID(), labels, created_at, isRunning: true, computer: new MemorySandbox() };
    this.#machines.set(name, machine);
    return machine;
  }

  #know(id: string): void {
    this.#known = id;
    this.#request.onKnown?.(id);
  }

  #tell(state: string, message: string): void {
    if (state === this.#state) return;
    this.#state = state;
    this.#request.onState?.(state, message);
  }
}
