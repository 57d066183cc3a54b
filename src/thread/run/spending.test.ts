import { readdirSync } from "node:fs";
import { afterAll, expect, it, vi } from "vitest";

const entered: string[] = [];
const caps = readdirSync(`${import.meta.dirname}/../caps`).filter((name) => !name.endsWith(".test.ts"));

// Other test files may have loaded them.
vi.resetModules();
/** The functions of `caps` note that they are called. */
for (const name of caps) {
  vi.doMock(`../caps/${name}`, async (original) => {
    const module = await original<Record<string, unknown>>();
    return Object.fromEntries(
      Object.entries(module).map(([key, value]) => {
        if (typeof value !== "function") return [key, value];
        const noted = (...given: unknown[]): unknown => {
          entered.push(key);
          return value(...given);
        };
        return [key, noted];
      }),
    );
  });
}

const { cappedThread, looks, says } = await import("../../../test/fakes/counted-thread.ts");

afterAll(() => {
  for (const name of caps) vi.doUnmock(`../caps/${name}`);
  vi.resetModules();
});

it("comes to nothing of caps where none holds: in a turn, a second one, an alarm, a life after a crash", async () => {
  vi.spyOn(console, "error").mockImplementation(() => {});
  const thread = cappedThread([looks("c1"), says("done"), looks("c2"), says("done")]);
  await thread.run("hi", { invocation_id: "inv_a" });
  await thread.run("more", { invocation_id: "inv_b" });
  await thread.alarm();
  await thread.accept("and more", { invocation_id: "inv_c" });
  thread.crash();
  thread.replies.push(looks("c3"), says("done"));
  await thread.alarm();
  await thread.life.active?.done;
  expect(thread.requests).toHaveLength(6);
  expect(entered).toEqual([]);
});

it("is under caps with one of its own", async () => {
  await cappedThread([says("done")]).run("hi", { caps: [{ scope: "run", max_total_tokens: 100_000 }] });
  expect(entered).toContain("startCapped");
});
