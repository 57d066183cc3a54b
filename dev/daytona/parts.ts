/**
 * The server's components, connected, and what every route handler receives.
 */

import { setTimeout as pause } from "node:timers/promises";
import type { Access } from "./access.ts";
import { Builds } from "./builds.ts";
import type { Fault } from "./faults.ts";
import { notStartedMessage, refuseAtProxy } from "./http.ts";
import type { Isolation } from "./isolation.ts";
import { Lives } from "./lives.ts";
import { Origins } from "./origins.ts";
import { type ModeOptions, type Rules, readRules } from "./rules.ts";
import { type Life, type Sandbox, Sandboxes } from "./sandboxes.ts";
import { Secrets } from "./secrets.ts";
import { Snapshots } from "./snapshots.ts";
import { Changes, type ChangesOptions, defaultQuotas, type Quotas } from "./states.ts";

export interface ServerContext {
  sandboxes: Sandboxes;
  snapshots: Snapshots;
  secrets: Secrets;
  changes: Changes;
  origins: Origins;
  builds: Builds;
  quotas: Quotas;
  rules: Rules;
  access: Access;
  /** Why commands are refused here; undefined when they may run. */
  refusal: string | undefined;
  /** Whether host names of git remotes may resolve to a private network. */
  privateUrlsAllowed: boolean;
  /** Injected failures. */
  faults: Fault[];
  /** `http://127.0.0.1:PORT` */
  origin(): string;
  /** The port for SSH clients. The first call starts the gateway. */
  sshPort(): Promise<number>;
  /** The browser address of one port of a sandbox. `label` is the sandbox's id or a signed token. */
  previewUrl(port: number, label: string): string;
}

export interface ToolboxContext extends ServerContext {
  sandbox: Sandbox;
  life: Life;
}

export function requireLife(sandbox: Sandbox): Life {
  if (sandbox.life && sandbox.record.state === "started") return sandbox.life;
  throw refuseAtProxy(400, notStartedMessage);
}

type Linger = NonNullable<ChangesOptions["linger"]>;

export interface PartsOptions extends ModeOptions {
  quotas?: Quotas;
  /**
   * Slows down changes of state: milliseconds for each transitional state, or a function that holds a sandbox in one
   * until it resolves. The API meanwhile reports that state, as the real one does when a change takes time.
   */
  linger?: number | Linger;
  /** The timeout of a build. */
  buildTimeoutMs?: number;
}

export interface Place {
  stateDirectory: string;
  socketsDirectory: string;
  etc: string;
  isolation: Isolation;
  refusal: string | undefined;
  privateUrlsAllowed: boolean;
}

export type Parts = Pick<
  ServerContext,
  "sandboxes" | "secrets" | "snapshots" | "builds" | "changes" | "origins" | "quotas" | "rules"
>;

export async function createParts(options: PartsOptions, place: Place): Promise<Parts> {
  const { stateDirectory, isolation, etc } = place;
  const quotas = options.quotas ?? defaultQuotas;
  const rules = readRules(options);
  const sandboxes = new Sandboxes(stateDirectory, rules);
  const secrets = new Secrets(stateDirectory);
  const snapshots = new Snapshots(stateDirectory);
  const builds = new Builds({ ...place, timeoutMs: options.buildTimeoutMs });
  const linger = readLinger(options.linger);
  const changes = new Changes({ sandboxes, lives: new Lives({ ...place, secrets }), quotas, rules, linger });
  const origins = new Origins({ sandboxes, snapshots, builds, changes, quotas, rules, copying: { isolation, etc } });
  await Promise.all([sandboxes.load(), secrets.load(), snapshots.load()]);
  return { sandboxes, secrets, snapshots, builds, changes, origins, quotas, rules };
}

function readLinger(linger: number | Linger | undefined): Linger | undefined {
  return typeof linger === "number" ? () => pause(linger) : linger;
}
