// Which commit a project's repository had when the server cloned it. It is kept as a label of the sandbox, which only the
// API's key can write: nothing in the sandbox can say that another commit was the person's. A folder that was there before
// has none.
import { hashText, toHex } from "../../../lib/hash.ts";
import type { SdkSandbox } from "../client/sdk.ts";

const CLONED = "cloned";

/** `folder`: of the checkout, as callers see it. */
export async function writeClonedCommit(
  sandbox: SdkSandbox,
  { url, folder, commit }: { url: string; folder: string; commit: string },
): Promise<void> {
  // Others may have changed its labels during the clone.
  await sandbox.refreshData();
  const value = `${commit} ${await nameOf(url, folder)}`;
  await sandbox.setLabels({ ...sandbox.labels, [CLONED]: value });
}

/** Null if it is not known. */
export async function readClonedCommit(sandbox: SdkSandbox, url: string, folder: string): Promise<string | null> {
  // Another thread may have cloned since this one has opened the sandbox.
  if (sandbox.labels?.[CLONED] === undefined) await sandbox.refreshData();
  const [, commit, name] = /^([0-9a-f]{40}|[0-9a-f]{64}) (\w+)$/.exec(sandbox.labels?.[CLONED] ?? "") ?? [];
  return commit !== undefined && name === (await nameOf(url, folder)) ? commit : null;
}

/** A project's settings may have named another repository or folder before. */
async function nameOf(url: string, folder: string): Promise<string> {
  return toHex(await hashText(JSON.stringify([url, folder]))).slice(0, 16);
}
