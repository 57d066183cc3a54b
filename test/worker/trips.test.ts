import { beforeAll, expect, it, vi } from "vitest";
import { ADMIN_KEY } from "./http-client.ts";
import { casesOf } from "./walk/cases.ts";
import { orderOf } from "./walk/operations.ts";
import { adminOperations, openOperations } from "./walk/rules.ts";
import { allOf, createStage, type Stage } from "./walk/stage.ts";
import type { World } from "./walk/world.ts";
import { countedTrips } from "./counted-trips.ts";

const counted = countedTrips();
let stage: Stage;
let alpha: World;
beforeAll(async () => {
  vi.spyOn(console, "warn").mockImplementation(() => {});
  stage = await createStage({ DB: counted.db });
  alpha = await stage.settle({ user_id: "user_trips", mark: "tripscanary", suffix: "of-trips", team_id: "TOFTRIPS" });
}, 60_000);

it("dumps", { timeout: 120_000 }, async () => {
  const rows: string[] = [];
  await stage.walker.send({ method: "POST", path: "/v1/users", body: { user_id: "user_spare" } }, ADMIN_KEY);
  for (const operation of stage.walker.operations.toSorted((a, b) => orderOf(a) - orderOf(b))) {
    const { path, name } = operation;
    const things = /\/resume(?:\/stream)?$/.test(path) ? "asking" : /\/(?:cancel|inbox(?:\/[^/]+)?)$/.test(path) ? "live" : "quiet";
    const isAdmin = name in adminOperations;
    const key = operation.isOpen ? null : isAdmin ? ADMIN_KEY : alpha.key;
    const own = { ...alpha.things[things], ...(isAdmin ? { user_id: "user_spare" } : {}) };
    for (const asked of casesOf(operation, allOf(own))) {
      if (key) await stage.walker.send({ method: "GET", path: "/v1/models" }, key);
      await stage.walker.settled();
      const before = counted.count();
      const reply = await stage.walker.ask(asked, key);
      const mid = counted.count();
      await stage.walker.settled();
      rows.push(`${name} ${asked.isBare ? "bare" : ""} ${reply.status} trips=${mid - before} behind=${counted.count() - mid}`);
    }
  }
  console.log(rows.join("\n"));
  expect(Object.keys(openOperations).length).toBeGreaterThan(1);
});
