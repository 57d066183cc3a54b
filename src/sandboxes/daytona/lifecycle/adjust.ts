// Gives a living sandbox what its project asks for by now. What Daytona refuses is an error that says what to do: a sandbox
// that is open to a network which its project has closed must not be used.
import type { Sandbox as SdkSandbox } from "@daytonaio/sdk";
import { SandboxError } from "../../../agent/sandbox.ts";
import { readFailure } from "../client/failure.ts";
import { unavailable } from "../client/requests.ts";
import type { Changes, NetworkRules, Resources } from "./recipe.ts";

/** Makes a request to Daytona's API, again where it fails on the way. */
export type Control = (request: () => Promise<unknown>, signal: AbortSignal) => Promise<unknown>;

/** Without `rebuild`, which needs a stopped sandbox. */
export async function adjust(
  sandbox: SdkSandbox,
  changes: Changes,
  { control, seconds }: { control: Control; seconds: number },
  signal: AbortSignal,
): Promise<void> {
  const { auto_stop_minutes, auto_archive_minutes, network, growth } = changes;
  const give = (what: string, request: () => Promise<unknown>) => ask(what, () => control(request, signal), signal);
  if (network) await give("its network rules", () => sandbox.updateNetworkSettings(describeUpdate(network, sandbox)));
  if (auto_stop_minutes !== undefined) {
    await give("its auto-stop", () => sandbox.setAutostopInterval(auto_stop_minutes));
  }
  if (auto_archive_minutes !== undefined) {
    await give("its auto-archive", () => sandbox.setAutoArchiveInterval(auto_archive_minutes));
  }
  if (growth) await resize(sandbox, growth, { control, seconds }, signal);
}

export async function resize(
  sandbox: SdkSandbox,
  resources: Resources,
  { control, seconds }: { control: Control; seconds: number },
  signal: AbortSignal,
): Promise<void> {
  const words = Object.entries(resources).map(([name, value]) => `${name}=${value}`);
  const order = () => control(() => sandbox.resize(resources, seconds), signal);
  await ask(words.join(", "), order, signal, { isSeenInState: true });
}

/** Only what changes: `networkBlockAll: false` alone opens all. */
function describeUpdate(rules: NetworkRules, shown: SdkSandbox): Partial<NetworkRules> {
  if (rules.networkBlockAll) return { networkBlockAll: true };
  return {
    networkBlockAll: false,
    ...(rules.networkAllowList || shown.networkAllowList ? { networkAllowList: rules.networkAllowList } : {}),
    ...(rules.domainAllowList || shown.domainAllowList ? { domainAllowList: rules.domainAllowList } : {}),
  };
}

async function ask(
  what: string,
  request: () => Promise<unknown>,
  signal: AbortSignal,
  { isSeenInState = false } = {},
): Promise<void> {
  try {
    await request();
  } catch (error) {
    signal.throwIfAborted();
    if (error instanceof SandboxError) throw error;
    const failure = readFailure(error);
    // It was taken and is not done yet: the sandbox's state tells how far it is.
    if (isSeenInState && (failure.is_about_state || failure.status === 408)) return;
    const reason = failure.reason === "" ? `status ${failure.status}` : failure.reason.replace(/\.$/, "");
    throw unavailable(
      `Daytona would not give the sandbox what the project's settings ask for (${what}): ${reason}. Change the settings, or name a snapshot, image or dockerfile that has it.`,
    );
  }
}
