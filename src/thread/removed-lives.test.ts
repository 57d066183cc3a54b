// Lives that end at each step of a thread's deletion, whichever way it is deleted: nothing of it stays anywhere, and its
// leases are given back.
import { afterAll, describe, expect, it, vi } from "vitest";
import { useEndedLives } from "../../test/fakes/ended-lives.ts";
import { type Death, RemovalWorld } from "../../test/fakes/removal-world.ts";

// Files share the modules that they import. Those of an earlier file would hash in threads, and be late on a busy machine.
vi.hoisted(() => vi.resetModules());
vi.mock("cloudflare:workers", () => ({
  DurableObject: class {
    ctx: unknown;
    env: unknown;
    constructor(ctx: unknown, env: unknown) {
      this.ctx = ctx;
      this.env = env;
    }
  },
}));
vi.mock("./ports.ts", async () => ({ createPorts: (await import("../../test/fakes/contract-ports.ts")).givenPorts }));
// The platform's digest answers from another thread at any time. Here only the test decides what waits.
vi.mock("../lib/hash.ts", async (original) => ({
  ...(await original<typeof import("../lib/hash.ts")>()),
  hashText: async (text: string) => new TextEncoder().encode(text),
}));
// Files share the modules that they import. Those that were evaluated with this file's stand-ins are of no use to others.
afterAll(() => {
  vi.resetModules();
  vi.unstubAllGlobals();
});

const { ThreadObject } = await import("./object.ts");
const make: ConstructorParameters<typeof RemovalWorld>[0] = (ctx, env) => new ThreadObject(ctx, env);

const HOUR = 3_600_000;
const patient = { timeout: 120_000 };

useEndedLives();

function expectGivenBack(world: RemovalWorld): void {
  const { left } = world;
  expect(left).toMatchObject({ open_leases: 0, open_tokens: 0 });
  expect(left.charged).toBeGreaterThanOrEqual(world.counted);
  expect(world.object.failures).toEqual([]);
}

function expectGone(world: RemovalWorld): void {
  expect(world.removal).toEqual(expect.objectContaining({ done: true }));
  expect(world.removal?.leases).toBeUndefined();
  expect(world.left).toMatchObject({ alive: 0, runs: [] });
  expect(world.left.rows.filter((table) => table !== "projects")).toEqual([]);
  expect(world.object.alarmAt).toBeNull();
  expectGivenBack(world);
}

/** Plays it with a death at each moment, until one comes after the end. Returns how often a life ended. */
async function dieEverywhere(play: (death: Death) => Promise<RemovalWorld>): Promise<number> {
  for (let at = 1; ; at++) {
    const worlds = [await play({ at, done: false }), await play({ at, done: true })];
    if (worlds.every(({ moments }) => moments < at)) return at;
  }
}

describe("a thread that is deleted by a request", patient, () => {
  /** The request comes after so many requests of the run to the outside. */
  const play = async (after: number, death: Death | null, hoursAway = 0): Promise<RemovalWorld> => {
    const world = new RemovalWorld(make, death);
    await world.begin(after);
    world.isAway = hoursAway > 0;
    world.removeOnce();
    await world.stayAway(hoursAway * HOUR);
    world.isAway = false;
    await world.calmDown();
    return world;
  };

  it.each([0, 1, 2, 3, 4])("gives back its leases, %i requests into its run", async (after) => {
    expectGone(await play(after, null));
  });

  it("and idle for long is gone, whenever its life ends", async () => {
    let removed = 0;
    const deaths = await dieEverywhere(async (death) => {
      const world = new RemovalWorld(make, death);
      await world.begin(0);
      await world.calmDown();
      world.removeOnce();
      await world.calmDown();
      if (world.removal !== null) {
        removed += 1;
        expectGone(world);
      }
      return world;
    });
    expect(deaths).toBeGreaterThan(10);
    expect(removed).toBeGreaterThan(5);
  });

  it("gives back what D1 granted when nobody waited any more", async () => {
    const world = new RemovalWorld(make, null);
    world.isSlow = true;
    await world.begin(1);
    await world.stayAway(5 * 60_000);
    expect(world.object.read("runs", "SELECT run ->> '$.error.code' AS code FROM runs")).toEqual([
      { code: "budget_unavailable" },
    ]);
    expect(world.left.open_leases).toBe(0);
    world.isSlow = false;
    await world.calmDown();
    expect(world.left.open_leases).toBe(1);
    world.removeOnce();
    await world.calmDown();
    expectGone(world);
    expect(world.left.charged).toBe(0);
  });

  it("gives them back when D1 has been away for a day", async () => {
    expectGone(await play(2, null, 24));
  });

  it("asks D1 a handful of times a day while it is away, though its lives end", async () => {
    const world = new RemovalWorld(make, null);
    await world.begin(0);
    await world.calmDown();
    world.isAway = true;
    world.removeOnce();
    await world.stayAway(24 * HOUR);
    const moments = world.moments;
    await world.stayAway(24 * HOUR);
    // A request, and a transaction that counts its failure.
    expect(world.moments - moments).toBeGreaterThanOrEqual(2 * 3);
    expect(world.moments - moments).toBeLessThanOrEqual(2 * 8);
    world.isAway = false;
    await world.calmDown();
    expectGone(world);
  });

  it.each([1, 2, 3])(
    "and whose life ends at any moment is gone with its leases, or there with none, %i requests into its run",
    async (after) => {
      let removed = 0;
      const deaths = await dieEverywhere(async (death) => {
        const world = await play(after, death);
        if (world.removal === null) expectGivenBack(world);
        else {
          removed += 1;
          expectGone(world);
        }
        return world;
      });
      expect(deaths).toBeGreaterThan(10);
      expect(removed).toBeGreaterThan(5);
    },
  );
});

describe("a thread that D1 has never heard of when its owner is deleted", patient, () => {
  const play = async (death: Death | null, hours = 1): Promise<RemovalWorld> => {
    const world = new RemovalWorld(make, death);
    world.isAway = true;
    await world.begin(2);
    await world.stayAway(1_000);
    world.deleteOwner();
    await world.stayAway(hours * HOUR);
    world.isAway = false;
    await world.calmDown();
    return world;
  };

  const expectNothingOfOwner = (world: RemovalWorld): void => {
    expectGone(world);
    expect(world.left.rows).toEqual([]);
    // The account is looked at once more: its leases and its budget have rows.
    expect(world.d1.read("SELECT purged_at FROM users")).toEqual([{ purged_at: null }]);
  };

  it("erases itself when D1 is back, an hour or days later", async () => {
    for (const hours of [0, 1, 30]) expectNothingOfOwner(await play(null, hours));
  });

  it("asks D1 a handful of times a day while it is away, though its lives end", async () => {
    const world = new RemovalWorld(make, null);
    world.isAway = true;
    await world.begin(2);
    const before = world.object.lives;
    await world.stayAway(24 * HOUR);
    const moments = world.moments;
    await world.stayAway(24 * HOUR);
    expect(world.object.lives - before).toBeGreaterThan(15);
    // A request, and at most one transaction beside it.
    expect(world.moments - moments).toBeLessThanOrEqual(2 * 8);
  });

  it("and whose life ends at any moment erases itself all the same", async () => {
    const deaths = await dieEverywhere(async (death) => {
      const world = await play(death, 0.02);
      expectNothingOfOwner(world);
      return world;
    });
    expect(deaths).toBeGreaterThan(10);
  });
});

describe("a thread without a run of which D1 has not heard", patient, () => {
  const play = async (isDeleted: boolean, death: Death): Promise<RemovalWorld> => {
    const world = new RemovalWorld(make, death);
    if (isDeleted) world.deleteOwner();
    await world.create();
    await world.calmDown();
    return world;
  };

  /** One life ends at each moment, and another one soon after it. */
  async function dieTwice(isDeleted: boolean, check: (world: RemovalWorld) => void): Promise<void> {
    for (const again of [1, 2, 3, 4]) {
      await dieEverywhere(async (death) => {
        const world = await play(isDeleted, { ...death, again });
        check(world);
        return world;
      });
    }
  }

  it("erases itself if its owner is deleted, though two of its lives end", async () => {
    await dieTwice(true, expectGone);
  });

  it("reaches D1 though two of its lives end, and then sleeps", async () => {
    await dieTwice(false, (world) => expect([world.left.alive, world.object.alarmAt]).toEqual([1, null]));
  });

  it("sleeps for good once D1 has it, though the platform ends its lives between its alarms", async () => {
    const world = new RemovalWorld(make, null);
    await world.create();
    await world.stayAway(HOUR);
    expect([world.left.alive, world.object.alarmAt]).toEqual([1, null]);
  });
});
