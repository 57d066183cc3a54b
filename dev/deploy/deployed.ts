// What the last deploy made, so that the next one knows the address and whether anything has changed.
import { type Place, readOptional, writeOwn } from "./place.ts";

export interface Deployed {
  /** The Worker's name. */
  name: string;
  url: string | null;
  /** Null once the running version is another than the one that was uploaded last. */
  version_id: string | null;
  /** Of all that was uploaded. */
  fingerprint: string | null;
}

export async function readDeployed({ deployed }: Pick<Place, "deployed">): Promise<Deployed | null> {
  const text = await readOptional(deployed);
  if (text === null) return null;
  try {
    const { name, url = null, version_id = null, fingerprint = null } = JSON.parse(text) as Partial<Deployed>;
    return typeof name === "string" ? { name, url, version_id, fingerprint } : null;
  } catch {
    return null;
  }
}

export async function writeDeployed({ deployed }: Pick<Place, "deployed">, what: Deployed): Promise<void> {
  await writeOwn(deployed, `${JSON.stringify(what, null, 2)}\n`);
}
