// A run that thinks for longer than its sandbox's auto-stop. The clock is fake; the sandbox stops as Daytona's do.
import { describe, expect, it, vi } from "vitest";
import { FakeDaytona, lifecycleOf, refusalOf, settle, useFakeWorld, usual } from "../../../../test/fakes/daytona.ts";
import { DaytonaConnection } from "../client/connection.ts";
import { defaultLimits } from "../client/limits.ts";
import { DaytonaKeepAlive } from "./keep-alive.ts";

useFakeWorld();
const { signal } = new AbortController();

/**
 * A sandbox in use. `think` passes minutes with a heartbeat every 30 s, and resolves with whether the sandbox still
 * runs.
 */
async function use(minutes: number) {
  const daytona = new FakeDaytona();
  daytona.record = { id: "id-1", ...usual, autoStopInterval: minutes, state: "started" };
  const { lifecycle } = lifecycleOf(daytona);
  const connection = new DaytonaConnection(lifecycle, defaultLimits);
  const keepAlive = new DaytonaKeepAlive(lifecycle, connection);
  const begun = Date.now();
  let activeAt = begun;
  daytona.on.refresh = () => {
    activeAt = Date.now();
  };
  await settle(connection.call(async () => "a command", signal));
  const think = async (duration: number, since = begun): Promise<boolean> => {
    for (let beat = 0; beat < duration * 2; beat++) {
      await vi.advanceTimersByTimeAsync(30_000);
      if (minutes > 0 && Date.now() - activeAt >= minutes * 60_000) return false;
      await keepAlive.refresh(since, signal);
    }
    return true;
  };
  return { daytona, connection, keepAlive, think };
}

describe("a sandbox during a thinking run", () => {
  it.each([1, 2, 15, 30])(
    "with an auto-stop of %d minutes does not stop, and gets no more requests than needed",
    async (minutes) => {
      const { daytona, think } = await use(minutes);
      expect(await think(3 * minutes)).toBe(true);
      expect(daytona.orders.length).toBeGreaterThan(2);
      expect(daytona.orders.length).toBeLessThanOrEqual(10);
    },
  );

  it("gets no request if it has no auto-stop, was not used by the run, or is not open", async () => {
    const never = await use(0);
    expect(await never.think(60)).toBe(true);
    expect(never.daytona.orders).toEqual([]);
    const unused = await use(2);
    await vi.advanceTimersByTimeAsync(1_000);
    expect(await unused.think(5, Date.now())).toBe(false);
    expect(unused.daytona.orders).toEqual([]);
    const closed = await use(2);
    closed.connection.reset();
    expect(await closed.think(5)).toBe(false);
    expect(closed.daytona.orders).toEqual([]);
  });

  it("is neither started nor created by keep-alive requests", async () => {
    const { daytona, keepAlive } = await use(1);
    daytona.record = null;
    daytona.on.refresh = () => {
      throw refusalOf(404, "Sandbox with ID or name id-1 not found");
    };
    await vi.advanceTimersByTimeAsync(30_000);
    await expect(keepAlive.refresh(0, signal)).rejects.toMatchObject({ status: 404 });
    expect(daytona.orders).toEqual(["refresh"]);
  });
});
