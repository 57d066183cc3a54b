// What the bundle takes for the ways in which OpenAI's client signs in without a key ([alias] in wrangler.toml): src
// always gives one.

class LeftOut {}

export { LeftOut as WorkloadIdentityAuth, LeftOut as X509WorkloadIdentityAuth };

export function isX509WorkloadIdentity(identity: unknown): boolean {
  if (identity === undefined || identity === null) return false;
  throw new Error("The bundle's OpenAI client signs in with a key alone (scripts/bundle/openai/identities.ts).");
}

export function assertX509RequestOptions(): void {}

export function snapshotX509RequestOptions(): void {}
