import { afterAll, beforeAll, it } from "vitest";
import { walkHistories } from "./git-histories.ts";
import { startWorld, type World } from "./git-walks.ts";

let world: World;
beforeAll(async () => {
  world = await startWorld();
});
afterAll(() => world.close());

/** More with `RUNS=100`. */
const runs = Number(process.env.RUNS ?? 3);

it(
  "histories of two clones and a remote end as plain git's do",
  () => walkHistories(world, runs),
  60_000 + runs * 20_000,
);
