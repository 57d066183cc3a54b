/**
 * What the routes work with.
 */
import type { Access } from "./access.ts";
import { HttpError } from "./errors.ts";
import type { Life, Sandbox, Sandboxes } from "./sandboxes.ts";

export interface ServerContext {
  sandboxes: Sandboxes;
  access: Access;
  /** Why commands are refused here, or undefined when they may run. */
  refusal: string | undefined;
  /** `http://127.0.0.1:PORT` */
  origin(): string;
  /** The address of one port of a sandbox, or of a signed token, in a browser. */
  previewUrl(port: number, label: string): string;
}

export interface ToolboxContext extends ServerContext {
  sandbox: Sandbox;
  life: Life;
}

export function requireLife(sandbox: Sandbox): Life {
  if (sandbox.life && sandbox.record.state === "started") return sandbox.life;
  throw new HttpError(
    400,
    "failed to resolve container IP after 3 attempts: no IP address found. Is the Sandbox started?",
  );
}
