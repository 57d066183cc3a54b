// The contract of a thread in random worlds: posts, cancels, ends of lives, queue, D1, readers and time interleave at
// every point where the object waits. The object is the real one. `contract-world` simulates everything around it.

import fc from "fast-check";
import { afterAll, describe, expect, it, vi } from "vitest";
import { expectContract } from "../../test/fakes/contract-end.ts";
import { ContractWorld, type Script, type Step } from "../../test/fakes/contract-world.ts";
import { useEndedLives } from "../../test/fakes/ended-lives.ts";
import { runCount } from "../../test/setup/run-count.ts";

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
// The platform's digest answers from another thread at any time. Here only the script decides what waits.
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

const runs = Number(process.env.CONTRACT_RUNS ?? runCount(300));
// Longer than all runs take: a long shrinking of a failure is cut short, and reports what it has.
const SHRINK_MS = 120_000 + runs * 200;
const TIME_LIMIT_MS = SHRINK_MS + 10_000;

useEndedLives();

const place = fc.nat({ max: 9 });

const anyStep: fc.Arbitrary<Step> = fc.oneof(
  {
    weight: 10,
    arbitrary: fc.record({
      do: fc.constant("post" as const),
      post: place,
      body: fc.oneof({ weight: 8, arbitrary: fc.constant(0) }, { weight: 1, arbitrary: fc.constant(1) }),
      at_once: fc.boolean(),
    }),
  },
  {
    weight: 14,
    arbitrary: fc.record({
      do: fc.constant("settle" as const),
      place: fc.oneof(fc.constant(0), place),
      count: fc.integer({ min: 1, max: 8 }),
    }),
  },
  { weight: 4, arbitrary: fc.record({ do: fc.constantFrom("deliver" as const, "deliver_again" as const), place }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constantFrom("lose_job" as const, "fail_job" as const), place }) },
  { weight: 2, arbitrary: fc.record({ do: fc.constant("cancel" as const), post: place }) },
  { weight: 2, arbitrary: fc.record({ do: fc.constantFrom("crash" as const) }) },
  {
    weight: 1,
    arbitrary: fc.record({
      do: fc.constantFrom("alarm" as const, "sync" as const, "create" as const, "patch" as const),
    }),
  },
  {
    weight: 2,
    arbitrary: fc.record({
      do: fc.constant("die" as const),
      in: fc.integer({ min: 1, max: 4 }),
      when: fc.constantFrom("before" as const, "after" as const, "instead" as const),
    }),
  },
  {
    weight: 2,
    arbitrary: fc.record({
      do: fc.constantFrom("d1" as const, "queue" as const),
      ending: fc.constantFrom("ok" as const, "fail" as const, "lost" as const),
    }),
  },
  {
    weight: 3,
    arbitrary: fc.record({ do: fc.constant("pass" as const), ms: fc.constantFrom(20, 500, 3_000, 35_000, 700_000) }),
  },
  {
    weight: 4,
    arbitrary: fc.record({
      do: fc.constant("edit" as const),
      edit: fc.constantFrom("add", "add", "cancel", "complete", "start", "first", "reword"),
      place,
    }),
  },
  { weight: 3, arbitrary: fc.record({ do: fc.constantFrom("watch" as const, "leave" as const), reader: place }) },
);

const anyScript = ({ removes }: { removes: boolean }): fc.Arbitrary<Script> =>
  fc.record({
    posts: fc.array(
      fc.record({
        kind: fc.constantFrom("text" as const, "tool" as const, "ask" as const, "plan" as const),
        policy: fc.constantFrom(
          "enqueue" as const,
          "enqueue" as const,
          "reject" as const,
          "replace" as const,
          "steer" as const,
        ),
        background: fc.oneof({ weight: 3, arbitrary: fc.constant(false) }, { weight: 1, arbitrary: fc.constant(true) }),
      }),
      { minLength: 1, maxLength: 6 },
    ),
    steps: fc.array(
      removes
        ? fc.oneof({ weight: 40, arbitrary: anyStep }, { weight: 1, arbitrary: fc.constant<Step>({ do: "remove" }) })
        : anyStep,
      { minLength: 5, maxLength: 60 },
    ),
  });

const post = (place: number, body = 0): Step => ({ do: "post", post: place, body, at_once: false });
const settleAt = (place: number, count: number): Step => ({ do: "settle", place, count });
const background: Script["posts"] = [{ kind: "text", policy: "enqueue", background: true }];

/** Worlds that once broke the contract. */
const brokenBy: Record<"remains" | "removed", Script[]> = {
  remains: [
    {
      posts: background,
      steps: [{ do: "watch", reader: 0 }, post(0), settleAt(0, 4), post(0), { do: "lose_job", place: 0 }],
    },
    {
      posts: background,
      steps: [{ do: "die", in: 2, when: "after" }, post(0), settleAt(0, 2), { do: "die", in: 1, when: "before" }],
    },
    {
      posts: [{ kind: "text", policy: "enqueue", background: false }],
      steps: [
        post(0),
        settleAt(0, 4),
        settleAt(0, 2),
        { do: "die", in: 1, when: "after" },
        { do: "pass", ms: 700_000 },
        { do: "edit", edit: "add", place: 0 },
        { do: "crash" },
      ],
    },
    // The second edit is stored, and its answer lost.
    {
      posts: [{ kind: "plan", policy: "enqueue", background: false }],
      steps: [
        post(0),
        settleAt(0, 8),
        { do: "edit", edit: "reword", place: 0 },
        settleAt(0, 8),
        { do: "edit", edit: "reword", place: 0 },
        { do: "crash" },
      ],
    },
  ],
  removed: [
    {
      posts: [{ kind: "text", policy: "enqueue", background: false }],
      steps: [post(0), settleAt(0, 1), { do: "pass", ms: 700_000 }, { do: "remove" }, { do: "pass", ms: 700_000 }],
    },
    {
      posts: background,
      steps: [post(0), post(0), { do: "pass", ms: 700_000 }, { do: "remove" }, settleAt(0, 1), post(0), settleAt(2, 2)],
    },
    {
      posts: background,
      steps: [
        post(0),
        post(0, 1),
        settleAt(0, 1),
        settleAt(3, 1),
        { do: "die", in: 3, when: "before" },
        { do: "remove" },
      ],
    },
    // D1 does not answer with a run's agent before its thread is gone.
    {
      posts: [{ kind: "text", policy: "enqueue", background: false }],
      steps: [post(0), { do: "pass", ms: 35_000 }, { do: "remove" }, settleAt(8, 1), { do: "pass", ms: 35_000 }],
    },
  ],
};

async function play(script: Script): Promise<void> {
  const world = new ContractWorld(script, (ctx, env) => new ThreadObject(ctx, env));
  for (const step of script.steps) {
    await world.perform(step);
    expect(world.model.problems).toEqual([]);
  }
  await expectContract(world);
}

describe("a thread keeps its contract", () => {
  it(
    "whatever is posted, cancelled, delivered, ended and broken, in whatever order",
    async () => {
      await fc.assert(fc.asyncProperty(anyScript({ removes: false }), play), {
        numRuns: runs,
        examples: brokenBy.remains.map((script) => [script]),
        interruptAfterTimeLimit: SHRINK_MS,
        markInterruptAsFailure: true,
      });
    },
    TIME_LIMIT_MS,
  );

  it(
    "even if it is removed meanwhile",
    async () => {
      await fc.assert(fc.asyncProperty(anyScript({ removes: true }), play), {
        numRuns: Math.ceil(runs / 3),
        examples: brokenBy.removed.map((script) => [script]),
        interruptAfterTimeLimit: SHRINK_MS,
        markInterruptAsFailure: true,
      });
    },
    TIME_LIMIT_MS,
  );
});
