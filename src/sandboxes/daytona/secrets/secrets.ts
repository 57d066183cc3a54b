// The secrets of one sandbox. Those that Daytona keeps are attached to the sandbox, which sees placeholders; a label
// says which are attached. All others go into the environment of each command, so that a change needs no new sandbox.
import { type OnSandboxState, SandboxError } from "../../../agent/sandbox.ts";
import { hashText, toHex } from "../../../lib/hash.ts";
import { OutputMask } from "../../output-mask.ts";
import type { GivenSecret, SandboxSecrets } from "../../provider.ts";
import { readFailure } from "../client/failure.ts";
import type { SdkSandbox } from "../client/sdk.ts";
import { describeGiven } from "./notice.ts";
import { attachSecrets, type VaultSettings } from "./vault.ts";

/** Which secrets of Daytona are attached: a hash, so that a label of any length is enough. */
export const ATTACHED = "secrets";

const RESTART = "Stop and start the sandbox: it was made without secrets that Daytona keeps, and has some now.";

/** Values that were replaced are still masked by the life that knew them: a program may continue with one. */
const MAX_FORMER = 200;

/** What files show may be masked with values that are so old: a command has brought newer ones there, and read them. */
const HIDDEN_MS = 60_000;

export interface SecretsPorts extends VaultSettings {
  secrets: SandboxSecrets | undefined;
  onState: OnSandboxState;
  control<Value>(request: () => Promise<Value>, signal: AbortSignal): Promise<Value>;
}

export interface Attachment {
  /** The names in Daytona by variable. */
  names: Record<string, string>;
  /** For the label; null for none. */
  label: string | null;
}

export class DaytonaSecrets {
  readonly #ports: SecretsPorts;
  readonly #seen = new Set<string>();
  #given: GivenSecret[] | null = null;
  #read_at = 0;
  /** Of what was seen; null once that has changed. */
  #mask: OutputMask | null = null;
  /** What this instance attached last, by sandbox. */
  #attached: { id: string; label: string | null } | null = null;

  constructor(ports: SecretsPorts) {
    this.#ports = ports;
  }

  /** Whether the sandbox can have any. */
  get are_given(): boolean {
    return this.#ports.secrets !== undefined;
  }

  /** Reads them once, so that the model learns early what there is. A failure is for whoever needs them. */
  async look(signal: AbortSignal): Promise<void> {
    if (this.#ports.secrets === undefined || this.#given !== null) return;
    await this.#read(signal, false).catch(() => signal.throwIfAborted());
  }

  /** Null if there are none, or it is not known. */
  describe(): string | null {
    return describeGiven(this.#given ?? []);
  }

  /** For a sandbox that is about to be created. */
  async forCreation(signal: AbortSignal): Promise<Attachment> {
    return toAttachment(await this.#read(signal, true));
  }

  /**
   * What a program that starts now has to get, after the sandbox got what Daytona keeps. Rejects with `SandboxError`.
   */
  async prepare(sandbox: SdkSandbox, signal: AbortSignal): Promise<Map<string, string>> {
    if (this.#ports.secrets === undefined) return new Map();
    const given = await this.#read(signal, false);
    await this.#attach(sandbox, await toAttachment(given), signal);
    return new Map(given.flatMap(({ name, value, kept_as }) => (kept_as === null ? [[name, value] as const] : [])));
  }

  /** Null if nothing is to be masked. Reads the secrets anew if they are older than that. */
  async readMask(signal: AbortSignal, max_age_ms = 0): Promise<OutputMask | null> {
    if (this.#ports.secrets === undefined) return null;
    if (this.#given === null || Date.now() - this.#read_at >= max_age_ms) await this.#read(signal, false);
    return this.#seenMask();
  }

  /** With the values that are known so far: for what can't wait until they are read. */
  hideSeen(text: string): string {
    return this.#seenMask()?.apply(text) ?? text;
  }

  #seenMask(): OutputMask | null {
    if (this.#seen.size === 0) return null;
    this.#mask ??= new OutputMask(this.#seen);
    return this.#mask;
  }

  /** The text of a file, a failure, a list. */
  async hide(text: string, signal: AbortSignal): Promise<string> {
    return (await this.readMask(signal, HIDDEN_MS))?.apply(text) ?? text;
  }

  async #read(signal: AbortSignal, is_new: boolean): Promise<GivenSecret[]> {
    const read_at = Date.now();
    const given = (await this.#ports.secrets?.read(signal, { is_new })) ?? [];
    this.#given = given;
    this.#read_at = read_at;
    for (const { value } of given) {
      if (!this.#seen.delete(value)) this.#mask = null;
      this.#seen.add(value);
    }
    for (const value of this.#seen) if (this.#seen.size > MAX_FORMER) this.#seen.delete(value);
    return given;
  }

  async #attach(sandbox: SdkSandbox, wanted: Attachment, signal: AbortSignal): Promise<void> {
    const { id } = sandbox;
    const former = sandbox.labels?.[ATTACHED] ?? null;
    const label = this.#attached?.id === id ? this.#attached.label : former;
    if (label === wanted.label) return;
    const { control } = this.#ports;
    try {
      try {
        await control(() => attachSecrets(this.#ports, id, wanted.names, signal), signal);
      } catch (error) {
        signal.throwIfAborted();
        if (error instanceof SandboxError || ![400, 404].includes(readFailure(error).status ?? 0)) throw error;
        // Somebody deleted one in Daytona.
        await this.#read(signal, true);
        await control(() => attachSecrets(this.#ports, id, wanted.names, signal), signal);
      }
      const { [ATTACHED]: _, ...labels } = sandbox.labels ?? {};
      await control(
        () => sandbox.setLabels(wanted.label === null ? labels : { ...labels, [ATTACHED]: wanted.label }),
        signal,
      );
    } catch (error) {
      signal.throwIfAborted();
      if (error instanceof SandboxError) throw error;
      const { reason, status } = readFailure(error);
      throw new SandboxError("failed", `Daytona did not give the sandbox its secrets: ${reason || `status ${status}`}`);
    }
    this.#attached = { id, label: wanted.label };
    if (former === null && label === null) this.#ports.onState("started", RESTART);
  }
}

async function toAttachment(given: GivenSecret[]): Promise<Attachment> {
  const kept = given.flatMap(({ name, kept_as }) => (kept_as === null ? [] : [[name, kept_as] as const]));
  if (kept.length === 0) return { names: {}, label: null };
  const names = Object.fromEntries(kept.sort(([one], [other]) => (one < other ? -1 : 1)));
  return { names, label: toHex(await hashText(JSON.stringify(names))).slice(0, 32) };
}
