/**
 * The key by which SSH clients know the gateway: one for the life of the state directory, since they remember it and warn
 * when it changes.
 */
import { readFile, rename, writeFile } from "node:fs/promises";
import { join } from "node:path";
import type { utils } from "ssh2";

type KeyTools = Pick<typeof utils, "generateKeyPairSync" | "parseKey">;

const keyName = "ssh-host-key";
/** Of the keys that the library makes it can't read one in two hundred. */
const maxAttempts = 10;

/** A key that can't be read is replaced. */
export async function readHostKey(stateDirectory: string, tools: KeyTools): Promise<string> {
  const path = join(stateDirectory, keyName);
  const former = await readFile(path, "utf8").catch(() => "");
  if (isKey(former, tools)) return former;
  const key = makeKey(tools);
  await writeFile(`${path}.new`, key, { mode: 0o600 });
  await rename(`${path}.new`, path);
  return key;
}

function makeKey(tools: KeyTools): string {
  for (let attempt = 0; attempt < maxAttempts; attempt += 1) {
    const key = tools.generateKeyPairSync("ed25519").private;
    if (isKey(key, tools)) return key;
  }
  throw new Error("no key for SSH can be made here");
}

function isKey(text: string, { parseKey }: KeyTools): boolean {
  return !(parseKey(text) instanceof Error);
}
