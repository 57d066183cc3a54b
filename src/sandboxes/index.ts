// The sandbox providers that the server knows. A new one is a folder beside `daytona` and one line in the list.
import type { Config } from "../config.ts";
import { createDaytonaProvider } from "./daytona/provider.ts";
import type { SandboxProvider } from "./provider.ts";

export { daytonaExamples as sandboxExamples } from "./daytona/examples.ts";
export type {
  GivenSecret,
  PreviewProxy,
  ProjectSandbox,
  Refusal,
  SandboxCount,
  SandboxIds,
  SandboxProvider,
  SandboxRequest,
  SandboxSecrets,
  SandboxSize,
  SecretVault,
} from "./provider.ts";

export interface RegisteredProvider {
  /** The setting that enables the provider; named when no provider is set up. */
  setting: string;
  /** Null if its settings are missing. */
  create(config: Config): SandboxProvider | null;
}

const registry: RegisteredProvider[] = [{ setting: "DAYTONA_API_KEY", create: createDaytonaProvider }];

/** The first provider in the list whose settings are present; it serves every project. Null if none is set up. */
export function findProvider(config: Config, providers = registry): SandboxProvider | null {
  for (const { create } of providers) {
    const provider = create(config);
    if (provider !== null) return provider;
  }
  return null;
}

/** The message for anyone who needs a sandbox when no provider is set up. */
export function describeMissing(providers = registry): string {
  return `No sandbox is set up: the server's setting ${nameMissing(providers)} is missing.`;
}

/** The settings of which one is needed for sandboxes. */
export function nameMissing(providers = registry): string {
  return providers.map(({ setting }) => setting).join(" or ");
}
