// For files with lives that end anywhere (`object-world`): the globals that such a life has, and a quiet log.
import { beforeAll, vi } from "vitest";
import { LIFE_ENDED, LifeStream } from "./object-world.ts";

// Work that a life deferred to the end of the turn in which it ends does not happen.
const putOff = globalThis.queueMicrotask;
function queueMicrotask(callback: () => void): void {
  putOff(() => {
    try {
      callback();
    } catch (error) {
      if (!(error instanceof Error && error.message === LIFE_ENDED)) throw error;
    }
  });
}

/** The file gives them back with `vi.unstubAllGlobals`, once it has reset its modules. */
export function useEndedLives(): void {
  beforeAll(() => {
    vi.stubGlobal("IdentityTransformStream", LifeStream);
    vi.stubGlobal("queueMicrotask", queueMicrotask);
    for (const level of ["error", "warn", "log"] as const) vi.spyOn(console, level).mockImplementation(() => {});
  });
}
