/**
 * Creates the server's components and connects them.
 */
import { setTimeout as pause } from "node:timers/promises";
import { Builds } from "./builds.ts";
import type { ServerContext } from "./context.ts";
import type { Isolation } from "./isolation.ts";
import { Lives } from "./lives.ts";
import { type ModeOptions, readRules } from "./mode.ts";
import { defaultQuotas, type Quotas } from "./quotas.ts";
import { Sandboxes } from "./sandboxes.ts";
import { Secrets } from "./secrets.ts";
import { Snapshots } from "./snapshots.ts";
import { Changes, type ChangesOptions } from "./states-changes.ts";
import { Origins } from "./states-origins.ts";

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
