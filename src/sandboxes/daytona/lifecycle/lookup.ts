// Finds the project's sandbox: by the id that is known, else by its name, else by the id that was kept outside.
//
// Daytona caches for ten seconds which sandbox has a name. A new sandbox of a name that was in use before is meanwhile
// found by its id alone, and creating another one is refused because the name is taken. A cached name never leads to
// the wrong sandbox: a deletion renames it at once.
import type { SandboxIds } from "../../provider.ts";
import { readFailure } from "../client/failure.ts";
import type { SdkClient, SdkSandbox } from "../client/sdk.ts";

export interface LookupPorts {
  client: SdkClient;
  name: string;
  /** The id that a thread remembers. */
  known: string | null;
  ids: SandboxIds | undefined;
  control<Value>(request: () => Promise<Value>, signal: AbortSignal): Promise<Value>;
}

export class SandboxLookup {
  readonly #ports: LookupPorts;
  /** The sandbox that was found last. */
  #id: string | null = null;

  constructor(ports: LookupPorts) {
    this.#ports = ports;
  }

  /** Null if there is none. */
  async find(signal: AbortSignal): Promise<SdkSandbox | null> {
    const { name, known, ids } = this.#ports;
    const former = this.#id;
    if (former !== null) {
      const found = await this.get(former, signal);
      if (found !== null) return found;
      this.#id = null;
    }
    const named = await this.get(name, signal);
    if (named !== null) return this.#note(named);
    const kept = (await ids?.read()) ?? null;
    for (const id of new Set([kept, known])) {
      const found = id === null || id === former ? null : await this.get(id, signal);
      if (found !== null) return this.#note(found);
    }
    return null;
  }

  /** The sandbox of an id or a name; null if it is deleted, or is about to be. */
  async get(idOrName: string, signal: AbortSignal): Promise<SdkSandbox | null> {
    const { client, name, control } = this.#ports;
    try {
      const sandbox = await control(async () => (await client()).get(idOrName), signal);
      // A deletion gives the sandbox another name at once, and shows its former state for a moment longer.
      const isRenamed = sandbox.name !== undefined && sandbox.name !== name;
      return sandbox.state === "destroyed" || isRenamed ? null : sandbox;
    } catch (error) {
      signal.throwIfAborted();
      if (readFailure(error).status === 404) return null;
      throw error;
    }
  }

  /** Keeps the id of a sandbox that was just created: for a while no name leads to it. */
  async keep(id: string): Promise<void> {
    this.#id = id;
    await this.#ports.ids?.keep(id);
  }

  #note(sandbox: SdkSandbox): SdkSandbox {
    this.#id = sandbox.id;
    return sandbox;
  }
}
