/**
 * What every route handler receives.
 */
import type { Access } from "./access.ts";
import type { Builds } from "./builds.ts";
import { notStartedMessage, refuseAtProxy } from "./errors.ts";
import type { Fault } from "./faults.ts";
import type { Life } from "./life.ts";
import type { Rules } from "./mode.ts";
import type { Quotas } from "./quotas.ts";
import type { Sandbox, Sandboxes } from "./sandboxes.ts";
import type { Secrets } from "./secrets.ts";
import type { Snapshots } from "./snapshots.ts";
import type { Changes } from "./states-changes.ts";
import type { Origins } from "./states-origins.ts";

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
