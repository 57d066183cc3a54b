// Daytona's SDK. It is evaluated when a sandbox is first asked for, and not when an isolate starts: all other files import
// its types alone.
import type { Daytona, DaytonaConfig } from "@daytonaio/sdk";

export type { Sandbox as SdkSandbox } from "@daytonaio/sdk";

type Sdk = typeof import("@daytonaio/sdk");

let loaded: Sdk | null = null;

export async function loadSdk(): Promise<Sdk> {
  loaded ??= await import("@daytonaio/sdk");
  return loaded;
}

/** Null as long as nothing was asked, so that no error is the SDK's. */
export function loadedSdk(): Sdk | null {
  return loaded;
}

export type SdkClient = () => Promise<Daytona>;

/** The client is made when it is first asked for. */
export function openClient(config: DaytonaConfig): SdkClient {
  let client: Daytona | null = null;
  return async () => {
    const { Daytona } = await loadSdk();
    client ??= new Daytona(config);
    return client;
  };
}
