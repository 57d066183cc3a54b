// The ways into sandboxes that were found a moment ago: one page asks for a hundred files, and Daytona's API is asked twice
// for each way. That a sandbox sleeps is remembered too, but for seconds only. While Daytona's API is away a way that is
// known stays one: what it leads to may well be there.
import type { PortDoor } from "../../../agent/workspace.ts";

/** A way that has become wrong shows by a refusal, and is looked for again then. */
const KEPT_MS = 60_000;
/** Refusals of a program itself look the same at times: they lead to one look in this time. */
export const LOOK_MS = 3_000;
/** Many requests of one page find out at once that their way is an old one. */
export const AGAIN_MS = 250;
const MOST_DOORS = 1_000;

export interface KnownDoor {
  /** Null where the sandbox does not run. */
  door: PortDoor | null;
  asked_at: number;
}

export interface DoorMemory {
  /** What is known and younger than `age_ms`, or what `find` says now. Rejects where that fails and no way is known. */
  read(key: string, find: () => Promise<PortDoor | null>, age_ms?: number): Promise<KnownDoor>;
}

export function createDoorMemory(now: () => number): DoorMemory {
  const known = new Map<string, KnownDoor>();
  return {
    async read(key, find, age_ms = KEPT_MS) {
      const found = known.get(key);
      const limit = found?.door === null ? LOOK_MS : age_ms;
      if (found !== undefined && found.asked_at > now() - limit) return found;
      const asked_at = now();
      const door = await find().catch((error: unknown) => {
        if (!found?.door) throw error;
        return found.door;
      });
      const fresh = { asked_at, door };
      known.delete(key);
      known.set(key, fresh);
      const [oldest] = known.keys();
      if (known.size > MOST_DOORS && oldest !== undefined) known.delete(oldest);
      return fresh;
    },
  };
}
