/**
 * What the routes work with.
 */
import type { Access } from "./access.ts";
import type { Builds } from "./builds.ts";
import { HttpError, notStartedMessage } from "./errors.ts";
import type { Fault } from "./faults.ts";
import type { Life } from "./life.ts";
import type { Quotas } from "./quotas.ts";
import type { Sandbox, Sandboxes } from "./sandboxes.ts";
import type { Snapshots } from "./snapshots.ts";
import type { Changes } from "./states-changes.ts";
import type { Origins } from "./states-origins.ts";

export interface ServerContext {
  sandboxes: Sandboxes;
  snapshots: Snapshots;
  changes: Changes;
  origins: Origins;
  builds: Builds;
  quotas: Quotas;
  access: Access;
  /** Why commands are refused here, or undefined when they may run. */
  refusal: string | undefined;
  /** Whether names of git remotes may lead into a private network. */
  privateUrlsAllowed: boolean;
  /** Failures on demand. */
  faults: Fault[];
  /** `http://127.0.0.1:PORT` */
  origin(): string;
  /** Where SSH clients come in; listens from the first question on. */
  sshPort(): Promise<number>;
  /** The address of one port of a sandbox, or of a signed token, in a browser. */
  previewUrl(port: number, label: string): string;
}

export interface ToolboxContext extends ServerContext {
  sandbox: Sandbox;
  life: Life;
}

export function requireLife(sandbox: Sandbox): Life {
  if (sandbox.life && sandbox.record.state === "started") return sandbox.life;
  throw new HttpError(400, notStartedMessage);
}
