// The place for checks of a sandbox that is opened when a check first needs it.
import type { CheckPlace } from "../../agent/checks/place.ts";
import { SandboxError } from "../../agent/sandbox.ts";

/** `open` resolves to nothing for a sandbox without that ability: its checks have not run, and say so. */
export function lazyPlace(open: () => Promise<CheckPlace | undefined>): CheckPlace {
  const place = async (): Promise<CheckPlace> => {
    const found = await open();
    if (found === undefined) throw new SandboxError("failed", "This sandbox can't run checks.");
    return found;
  };
  return {
    readTree: async (...request) => (await place()).readTree(...request),
    listChanges: async (...request) => (await place()).listChanges(...request),
    runCommand: async (...request) => (await place()).runCommand(...request),
    startProgram: async (...request) => (await place()).startProgram(...request),
    endProgram: async (...request) => (await place()).endProgram(...request),
    request: async (...request) => (await place()).request(...request),
    readFile: async (...request) => (await place()).readFile(...request),
    hashFiles: async (...request) => (await place()).hashFiles(...request),
    hashMatches: async (...request) => (await place()).hashMatches(...request),
    hashCommitted: async (...request) => (await (await place()).hashCommitted?.(...request)) ?? null,
    readCommitted: async (...request) => (await (await place()).readCommitted?.(...request)) ?? null,
    readGit: async (...request) => (await place()).readGit(...request),
  };
}
