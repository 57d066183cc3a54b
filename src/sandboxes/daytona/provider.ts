// Daytona as a provider of sandboxes.
import type { Config } from "../../config.ts";
import type { SandboxProvider, SandboxRequest } from "../provider.ts";
import { MAX_LINK_SECONDS, OWN_PORTS } from "./access/ports.ts";
import { daytonaProxy } from "./access/preview-proxy.ts";
import { checkDaytona } from "./client/check.ts";
import type { DaytonaSettings } from "./client/client.ts";
import { createDaytonaSandbox } from "./sandbox.ts";
import { DaytonaVault } from "./secrets/vault.ts";
import { createDaytonaWorkspace } from "./workspace.ts";

/** Null if the server has no Daytona API key. */
export function createDaytonaProvider({ daytona }: Config): SandboxProvider | null {
  if (daytona === null) return null;
  return {
    openSandbox: (request) => createDaytonaSandbox(settingsFrom(daytona, request)),
    openWorkspace: (request) => createDaytonaWorkspace(settingsFrom(daytona, request)),
    openVault: () => new DaytonaVault(daytona),
    own_ports: OWN_PORTS,
    own_variables: /^DAYTONA_/,
    max_link_seconds: MAX_LINK_SECONDS,
    proxy: daytonaProxy,
    check: (signal) => checkDaytona(daytona, signal),
  };
}

/** The project's own settings take precedence over the server's. */
export function settingsFrom(
  server: NonNullable<Config["daytona"]>,
  { recipe: asked, ...request }: SandboxRequest,
): DaytonaSettings {
  const { target, snapshot, ...recipe } = asked;
  const isBuilt = recipe.image !== undefined || recipe.dockerfile !== undefined;
  return {
    ...request,
    ...server,
    target: target ?? server.target,
    // The server's snapshot is only for projects that ask for nothing else.
    snapshot: isBuilt ? null : (snapshot ?? server.snapshot),
    recipe,
  };
}
