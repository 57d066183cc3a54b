// Checks a project's settings for its sandbox against the server's limits.
import type { SandboxResources } from "../../config.ts";
import { Problem } from "../../http/errors.ts";
import type { SandboxSettings } from "../../protocol/project.ts";

const units: Record<keyof SandboxResources, string> = { cpu: "cores", memory: "GiB", disk: "GiB" };

export function requireWithinLimits(settings: SandboxSettings | null | undefined, limits: SandboxResources): void {
  for (const name of ["cpu", "memory", "disk"] as const) {
    const asked = settings?.[name];
    if (asked === undefined || asked <= limits[name]) continue;
    const detail = `sandbox.${name}: ${asked} is over the limit of ${limits[name]} ${units[name]} (the server's setting SANDBOX_LIMITS)`;
    throw new Problem("invalid_field", detail);
  }
}
