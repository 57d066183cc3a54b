/**
 * The key by which SSH clients recognize the gateway. It lasts as long as the state directory, since clients remember
 * it and warn when it changes.
 */
import { readFile, rename, writeFile } from "node:fs/promises";
import { join } from "node:path";
import type { utils } from "ssh2";

type KeyTools = Pick<typeof utils, "generateKeyPairSync" | "parseKey">;

const keyName = "ssh-host-key";
/** The library can't read one in two hundred of the keys that it makes. */
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
