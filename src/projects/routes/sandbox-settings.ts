// Checks a project's settings for its sandbox against the server's limits.
import type { SandboxLimits, SandboxResources } from "../../config/sandbox-limits.ts";
import type { AppContext } from "../../http/context.ts";
import { Problem } from "../../http/errors.ts";
import type { SandboxSettings } from "../../protocol/project.ts";

const units: Record<keyof SandboxResources, string> = { cpu: "cores", memory: "GiB", disk: "GiB" };
const names = ["cpu", "memory", "disk"] as const;

type Asked = SandboxSettings | null | undefined;

export function requireWithinLimits(context: AppContext, settings: Asked): void {
  const limits = context.get("config").sandbox_limits;
  for (const name of names) {
    const asked = settings?.[name];
    if (asked !== undefined && asked > limits[name]) throw over(name, asked, `${limits[name]} ${units[name]}`);
  }
  requireStop(settings, limits);
}

/** A sandbox that never stops by itself costs money until somebody remembers it. */
function requireStop(settings: Asked, { auto_stop_minutes: longest }: SandboxLimits): void {
  const asked = settings?.auto_stop_minutes;
  if (asked === undefined || longest === 0) return;
  if (asked === 0) throw over("auto_stop_minutes", "0 (never)", `${longest} minutes`);
  if (asked > longest) throw over("auto_stop_minutes", asked, `${longest} minutes`);
}

function over(name: keyof SandboxLimits, asked: number | string, limit: string): Problem {
  return new Problem(
    "invalid_field",
    `sandbox.${name}: ${asked} is over the limit of ${limit} (the server's setting SANDBOX_LIMITS)`,
  );
}
