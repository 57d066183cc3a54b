// How often each operation asks D1, with a key that has been looked up before. What the thread's object asks is not
// among it: it asks only for a new thread and for receipts. A new operation needs a figure in `walk/trips.ts`.
import { beforeAll, describe, expect, it, vi } from "vitest";
import { countedTrips } from "./counted-trips.ts";
import { ADMIN_KEY } from "./http-client.ts";
import { type Case, casesOf } from "./walk/cases.ts";
import { type Operation, orderOf } from "./walk/operations.ts";
import { adminOperations } from "./walk/rules.ts";
import { allOf, createStage, type Stage } from "./walk/stage.ts";
import { trips } from "./walk/trips.ts";
import type { World } from "./walk/world.ts";

const patient = { timeout: 120_000 };
const counted = countedTrips();
const measured = new Map<string, number>();
let stage: Stage;
let alpha: World;

/** In place of what exists already, which is refused early. */
const fresh: Record<string, Partial<Case>> = {
  "POST /v1/users": { body: { user_id: "user_fresh" } },
  "POST /v1/projects": { body: { name: "fresh" } },
  "POST /v1/agents": { body: { name: "fresh" } },
  "POST /v1/threads": { body: { project_id: "project-of-trips", agent_id: "agent-of-trips" } },
  "POST /v1/threads/{thread_id}/runs": { path: "/v1/threads/fresh/runs", body: { message: "[[text fresh]]" } },
  "POST /v1/threads/{thread_id}/runs/stream": {
    path: "/v1/threads/fresh/runs/stream",
    body: { message: "[[text fresh]]" },
  },
};

function ofKey({ name, isOpen }: Operation): string | null {
  if (isOpen) return null;
  return name in adminOperations ? ADMIN_KEY : alpha.key;
}

function casesOfOwner(operation: Operation): Case[] {
  const { path, name } = operation;
  const isLive = /\/(?:cancel|inbox(?:\/[^/]+)?)$/.test(path);
  const which = /\/resume(?:\/stream)?$/.test(path) ? "asking" : isLive ? "live" : "quiet";
  const things = alpha.things[which];
  const cases = casesOf(operation, allOf(name in adminOperations ? { ...things, user_id: "user_spare" } : things));
  const more = fresh[name];
  return more === undefined ? cases : [...cases, { ...(cases[0] as Case), headers: {}, ...more }];
}

async function countTrips(asked: Case, key: string | null): Promise<number> {
  // A key is remembered for seconds.
  if (key !== null) await stage.walker.send({ method: "GET", path: "/v1/models" }, key);
  await stage.walker.settled();
  const before = counted.count();
  await stage.walker.ask(asked, key);
  await stage.walker.settled();
  return counted.count() - before;
}

beforeAll(async () => {
  vi.spyOn(console, "warn").mockImplementation(() => {});
  stage = await createStage({ DB: counted.db });
  alpha = await stage.settle({ user_id: "user_trips", mark: "tripscanary", suffix: "of-trips", team_id: "TOFTRIPS" });
  await stage.walker.send({ method: "POST", path: "/v1/users", body: { user_id: "user_spare" } }, ADMIN_KEY);
  for (const operation of stage.walker.operations.toSorted((one, other) => orderOf(one) - orderOf(other))) {
    const key = ofKey(operation);
    for (const asked of casesOfOwner(operation)) {
      const most = measured.get(operation.name) ?? 0;
      measured.set(operation.name, Math.max(most, await countTrips(asked, key)));
    }
  }
}, patient.timeout);

describe("the trips to D1", patient, () => {
  it("have a figure for each operation, and for no other", () => {
    expect([...measured.keys()].sort()).toEqual(Object.keys(trips).sort());
  });

  it("of no operation are more than its figure says", () => {
    const more = [...measured].filter(([name, count]) => count > (trips[name] ?? 0));
    expect(more).toEqual([]);
  });

  it("of each read are what its figure says", () => {
    const reads = (all: Iterable<[string, number]>) => [...all].filter(([name]) => name.startsWith("GET /v1/")).sort();
    expect(reads(measured)).toEqual(reads(Object.entries(trips)));
  });
});
