import { afterAll, beforeAll, expect, it } from "vitest";
import { walkKills } from "./git-kills.ts";
import { startWorld, type World } from "./git-walks.ts";

let world: World;
beforeAll(async () => {
  world = await startWorld();
});
afterAll(() => world.close());

/** `KILLS=100` for the long form. */
const wanted = Number(process.env.KILLS ?? 6);

it(
  "a repository survives kills during clone, pull, commit and push",
  async () => {
    const kills = await walkKills(world, wanted);
    console.info(`${kills.made} kills, ${kills.missed} too late; locks left and removed: ${kills.locks}`);
    expect(kills.made).toBe(wanted);
  },
  120_000 + wanted * 20_000,
);
