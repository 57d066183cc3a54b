// Quotas of a day where the clock of the machine was ahead for a while: `npm start` has no other.
import { describe, expect, it } from "vitest";
import { openD1 } from "../../../test/fakes/sqlite-d1.ts";
import { quotas } from "../../protocol/money/quotas.ts";
import { usualQuota } from "./held.ts";
import { countRunning, listRunning } from "./hours.ts";
import { noteSandbox } from "./sandboxes.ts";
import { takeUse } from "./uses.ts";

const now = Date.parse("2026-11-28T12:00:00Z");
const MINUTE_MS = 60_000;
const DAY_MS = 24 * 60 * MINUTE_MS;

describe("a clock that was set back", () => {
  it.each([2, 400])("by %s days leaves a quota of a day that begins anew each day", async (days) => {
    const { binding, read } = openD1();
    const take = (at: number) => takeUse(binding, "user_ada", "lookups_per_day", at, () => 2);
    for (const taken of [true, true, false]) expect((await take(now + days * DAY_MS)) === null).toBe(taken);
    for (const day of [now, now + DAY_MS])
      for (const taken of [true, true, false]) expect((await take(day)) === null).toBe(taken);
    expect(read("SELECT period, used FROM quota_uses")).toEqual([{ period: "2026-11-29", used: 2 }]);
  });

  it("leaves sandboxes whose hours are counted, and no hours that nobody knows of", async () => {
    const { binding, read } = openD1();
    const sandbox = { user_id: "user_ada", project_id: "p", cpu: 1, memory: 1, disk: 1 };
    await noteSandbox(binding, { ...sandbox, created_at: new Date(now + 400 * DAY_MS).toISOString() });
    const look = async (at: number) => {
      const running = await listRunning(binding, at, 10 * MINUTE_MS, 10);
      for (const one of running) await countRunning(binding, one, true, at, usualQuota);
      return running.length;
    };
    expect(await look(now)).toBe(1);
    expect(read("SELECT used FROM quota_uses")).toEqual([{ used: 0 }]);
    expect(await look(now + 5 * MINUTE_MS)).toBe(0);
    expect(await look(now + 12 * MINUTE_MS)).toBe(1);
    const [{ used } = { used: 0 }] = read<{ used: number }>("SELECT used FROM quota_uses");
    expect(used).toBeCloseTo(0.2);
    expect(used).toBeLessThan(quotas.sandbox_hours_per_day.usual);
  });
});
