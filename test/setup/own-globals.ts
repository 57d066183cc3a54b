// Files of one worker share its globals. A clock that a file leaves replaced stops every later file that waits, at a
// place that says nothing about the cause; this names it.
import { beforeAll, expect } from "vitest";

const own = { setTimeout, clearTimeout, setInterval, clearInterval, setImmediate, queueMicrotask, Date };
const kept = globalThis as { firstGlobals?: typeof own; formerFile?: string | undefined };
kept.firstGlobals ??= own;

beforeAll(() => {
  const names = Object.keys(own) as (keyof typeof own)[];
  const replaced = names.filter((name) => globalThis[name] !== kept.firstGlobals?.[name]);
  if (replaced.length > 0) throw new Error(`${kept.formerFile} left ${replaced.join(", ")} replaced.`);
  kept.formerFile = expect.getState().testPath;
});
