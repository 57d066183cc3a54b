// Applies the project's current settings to an existing sandbox. A refusal by Daytona is an error that says what to do:
// a sandbox with access to a network that its project has closed must not be used.

import { SandboxError } from "../../../agent/sandbox.ts";
import { backoffDelay } from "../../../lib/retry.ts";
import { readFailure } from "../client/failure.ts";
import { unavailable } from "../client/requests.ts";
import type { SdkSandbox } from "../client/sdk.ts";
import { pause } from "../client/waiting.ts";
import type { Changes, NetworkRules, Resources } from "./recipe.ts";
import { isCollision } from "./refusals.ts";

/** Makes a request to Daytona's API, and retries transport failures. */
export type Control = (request: () => Promise<unknown>, signal: AbortSignal) => Promise<unknown>;

export interface Orders {
  control: Control;
  /** The time limit of an order. */
  seconds: number;
}

/** Applies all changes except `rebuild`, which needs a stopped sandbox. Returns false if Daytona can't resize. */
export async function adjust(
  sandbox: SdkSandbox,
  changes: Changes,
  orders: Orders,
  signal: AbortSignal,
): Promise<boolean> {
  const { control } = orders;
  const { auto_stop_minutes, auto_archive_minutes, network, growth } = changes;
  const apply = (what: string, request: () => Promise<unknown>) => ask(what, () => control(request, signal), signal);
  if (network) await apply("its network rules", () => sandbox.updateNetworkSettings(describeUpdate(network, sandbox)));
  if (auto_stop_minutes !== undefined) {
    await apply("its auto-stop", () => sandbox.setAutostopInterval(auto_stop_minutes));
  }
  if (auto_archive_minutes !== undefined) {
    await apply("its auto-archive", () => sandbox.setAutoArchiveInterval(auto_archive_minutes));
  }
  return growth ? resize(sandbox, growth, orders, signal) : true;
}

/** False if this Daytona has no such operation: in 0.190 it is a feature that is off by default. */
export async function resize(
  sandbox: SdkSandbox,
  resources: Resources,
  { control, seconds }: Orders,
  signal: AbortSignal,
): Promise<boolean> {
  const words = Object.entries(resources).map(([name, value]) => `${name}=${value}`);
  const request = () => control(() => sandbox.resize(resources, seconds), signal);
  return ask(words.join(", "), request, signal, { isResize: true });
}

/** Sends only what changes: `networkBlockAll: false` alone opens the whole network. */
function describeUpdate(rules: NetworkRules, shown: SdkSandbox): Partial<NetworkRules> {
  if (rules.networkBlockAll) return { networkBlockAll: true };
  return {
    networkBlockAll: false,
    ...(rules.networkAllowList || shown.networkAllowList ? { networkAllowList: rules.networkAllowList } : {}),
    ...(rules.domainAllowList || shown.domainAllowList ? { domainAllowList: rules.domainAllowList } : {}),
  };
}

/** Another change of the sandbox is under way: a backup, a stop, what another thread asks for. It takes seconds. */
const COLLISION = { base_ms: 500, cap_ms: 4_000 };
const MAX_COLLISIONS = 6;

async function ask(
  what: string,
  request: () => Promise<unknown>,
  signal: AbortSignal,
  { isResize = false, collisions = 0 } = {},
): Promise<boolean> {
  try {
    await request();
    return true;
  } catch (error) {
    signal.throwIfAborted();
    if (error instanceof SandboxError) throw error;
    if (isCollision(error)) {
      if (collisions >= MAX_COLLISIONS)
        throw unavailable(`Daytona is busy with another change of the sandbox (${what}). Try again in a minute.`);
      await pause(backoffDelay(collisions + 1, COLLISION), signal);
      return ask(what, request, signal, { isResize, collisions: collisions + 1 });
    }
    const failure = readFailure(error);
    // Daytona accepted the request and has not finished it: the sandbox's state shows the progress.
    if (isResize && (failure.is_state_error || failure.status === 408)) return true;
    if (isResize && failure.is_missing_route) return false;
    const reason = failure.reason === "" ? `status ${failure.status}` : failure.reason.replace(/\.$/, "");
    throw unavailable(
      `Daytona would not give the sandbox what the project's settings ask for (${what}): ${reason}. Change the settings, or name a snapshot, image or dockerfile that has it.`,
    );
  }
}
