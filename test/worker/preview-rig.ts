// A project whose sandbox only records what is asked of its ports.
import { env } from "cloudflare:test";
import { SandboxError } from "../../src/agent/sandbox.ts";
import type { Workspace } from "../../src/agent/workspace.ts";
import { readConfig } from "../../src/config.ts";
import { createPreview, keepLinks, readPreviews, revokePreview } from "../../src/projects/previews/previews.ts";
import type { ProjectScope } from "../../src/projects/scope.ts";
import { findProvider, type ProjectSandbox, type SandboxProvider } from "../../src/sandboxes/index.ts";

let projects = 0;

export function rig(domain: string | null, settings: Partial<ProjectScope> = {}) {
  projects += 1;
  const orders: string[] = [];
  const signed: string[] = [];
  let isAway = false;
  const sign = async (port: number) => {
    const token = `signed${projects}x${signed.length}`;
    signed.push(token);
    orders.push(`sign ${port}`);
    return { url: `https://${port}-${token}.proxy.example`, token, expires_at: "2999-01-01T00:00:00.000Z" };
  };
  const computer = {
    awaitListener: async (port: number) => void orders.push(`await ${port}`),
    expireLink: async (port: number, token: string) => {
      if (isAway) throw new SandboxError("failed", "Daytona is away");
      orders.push(`expire ${port} ${token}`);
      const happen = own.whileExpiring;
      own.whileExpiring = null;
      await happen?.();
    },
    exposePort: sign,
    signLink: (port: number) => sign(port),
  };
  const config = { ...readConfig(env), preview_domain: domain };
  const scope: ProjectScope = {
    config,
    provider: findProvider(config) as SandboxProvider,
    database: env.DB,
    user_id: "user_previews",
    project_id: `proj_${projects}`,
    project: null,
    created_at: "",
    ...settings,
  };
  const workspace = computer as unknown as Workspace;
  const sandbox = keepLinks(computer as unknown as ProjectSandbox, scope);
  const { signal } = new AbortController();
  const own = {
    /** Happens once, after the provider has ended a link. */
    whileExpiring: null as (() => Promise<unknown>) | null,
    orders,
    scope,
    /** The tokens of all links that the provider has signed. */
    signed,
    /** From now on Daytona ends no links. */
    fail: () => {
      isAway = true;
    },
    expose: (port: number) => sandbox.exposePort(port, signal),
    make: (port: number, seconds = 60) => createPreview(scope, workspace, { port, seconds }, signal),
    revoke: (port: number) => revokePreview(scope, workspace, port, signal),
    list: async () => (await readPreviews(scope)).map(({ port, url }) => `${port} ${url}`),
  };
  return own;
}

export const tokenOf = (url: string) => /-([^.-]+)\./.exec(url)?.[1] ?? "";
