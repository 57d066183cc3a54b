// What the bundle takes for the ways in which OpenAI's client signs in without a key ([alias] in wrangler.toml): src
// always gives one. A residency that is no address goes with them: src always gives an address.

class LeftOut {}

export { LeftOut as WorkloadIdentityAuth, LeftOut as X509WorkloadIdentityAuth };

function refuse(option: unknown): undefined {
  if (option === undefined || option === null) return undefined;
  throw new Error("The bundle's OpenAI client signs in with a key alone (scripts/bundle/openai/identities.ts).");
}

function leftOut(): never {
  throw new Error("The bundle's OpenAI client has no copies (scripts/bundle/openai/identities.ts).");
}

export { leftOut as prepareX509ClientClone };

export function isX509WorkloadIdentity(identity: unknown): boolean {
  return refuse(identity) !== undefined;
}

export function normalizeX509CredentialOptions(options: { credential?: unknown }): object {
  return { credential: refuse(options.credential), options };
}

export function resolveDataResidency(options: { dataResidency?: unknown }): undefined {
  return refuse(options.dataResidency);
}

export function assertNoDataResidency(residency: unknown): void {
  refuse(residency);
}

export function assertX509RequestOptions(): void {}

export function snapshotX509RequestOptions(): void {}

export function assertX509APIOrigin(): void {}

export function markApprovedX509Client(): void {}

export function isTransientX509ConnectionError(): boolean {
  return false;
}

/** Only a client without a key has this address. */
export const X509_API_BASE_URL = undefined;
