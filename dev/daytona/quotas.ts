/**
 * How much each sandbox, and all together, may request. Quotas are only counted; `limits.ts` bounds what a sandbox
 * really uses.
 */
import { HttpError } from "./errors.ts";
import type { SandboxRecord } from "./records.ts";
import type { Resources } from "./states.ts";

export interface Quotas {
  /** The largest that one sandbox may have. */
  perSandbox: Resources;
  /** The total of the organization; no limit where absent. */
  total?: Partial<Resources>;
}

// apps/api/src/sandbox/services/sandbox.service.ts, validateOrganizationQuotas: all of them are 400.
const contact =
  "Need higher resource limits per-sandbox? Contact us at support@daytona.io and let us know about your use case.";
const upgrade =
  "To increase concurrency limits, upgrade your organization's Tier by visiting http://localhost:3000/limits.";

/** The quotas of a new organization at Daytona. */
export const defaultQuotas: Quotas = { perSandbox: { cpu: 4, memory: 8, disk: 10 } };

export function refuseOversize({ cpu, memory, disk }: Resources, { perSandbox }: Quotas): void {
  const refuse = (what: string, maximum: string): never => {
    throw new HttpError(400, `${what} exceeds maximum allowed per sandbox (${maximum}).\n${contact}`);
  };
  if (cpu > perSandbox.cpu) refuse(`CPU request ${cpu}`, String(perSandbox.cpu));
  if (memory > perSandbox.memory) refuse(`Memory request ${memory}GB`, `${perSandbox.memory}GB`);
  if (disk > perSandbox.disk) refuse(`Disk request ${disk}GB`, `${perSandbox.disk}GB`);
}

/** Processors and memory count while a sandbox runs, its disk until it is archived. */
export function refuseOverQuota(wanted: Resources, others: readonly SandboxRecord[], { total = {} }: Quotas): void {
  const running = others.filter(({ state }) => !["stopped", "archived", "error", "build_failed"].includes(state));
  const stored = others.filter(({ state }) => state !== "archived");
  const cpu = running.reduce((sum, record) => sum + record.cpu, wanted.cpu);
  const memory = running.reduce((sum, record) => sum + record.memory, wanted.memory);
  const disk = stored.reduce((sum, record) => sum + record.disk, wanted.disk);
  const refuse = (what: string, maximum: string): never => {
    throw new HttpError(400, `Total ${what} limit exceeded. Maximum allowed: ${maximum}.\n${upgrade}`);
  };
  if (total.cpu !== undefined && cpu > total.cpu) refuse("CPU", String(total.cpu));
  if (total.memory !== undefined && memory > total.memory) refuse("memory", `${total.memory}GiB`);
  if (total.disk !== undefined && disk > total.disk) refuse("disk", `${total.disk}GiB`);
}
