// Runs of checks that are cut: by a cancel, or because the life ends.
import { describe, expect, it } from "vitest";
import { hashOf } from "../../../../test/fakes/check-place.ts";
import { CheckWorld, want } from "../../../../test/fakes/check-world.ts";
import { command, untilAbort } from "../../../../test/fakes/checks-wanted.ts";
import type { CheckInput } from "../../../protocol/plan/check.ts";
import { SandboxError } from "../../sandbox.ts";

describe("a run of checks", () => {
  it("attaches to a command of the life before, and compares with the tree of its start", async () => {
    const world = new CheckWorld();
    world.place.deeds.set("npm test", { hangs: true, writes: { "made.txt": "x" } });
    const { place } = world;
    const first = new AbortController();
    const lost = world.run([command("npm test")], { signal: first.signal });
    const rejected = expect(lost).rejects.toThrow("evicted");
    await world.until(() => place.running.length > 0);
    // The life ends: nothing of it is done any more, not even the end of the command.
    let isLost = true;
    place.onCall = async (name, signal) => {
      if (name === "end" && isLost) await untilAbort(signal);
    };
    first.abort(new Error("evicted"));
    await world.until(() => place.calls.at(-1) === "end");
    isLost = false;
    const later = world.run([command("npm test")]);
    const [receipt] = await world.drive(later);
    await rejected;
    expect(place.started).toEqual(["npm test"]);
    expect(receipt).toMatchObject({ outcome: "failed", exit_code: null, changed_files: ["made.txt"] });
    const other = world.runner({ scope: "run_2" });
    await world.drive(other.run([want(command("npm test"))], { call_id: "call_1", budget_ms: 999_000 }));
    expect(place.started).toHaveLength(2);
  });
});

describe("a life that repeats a look at a program", () => {
  const spec: CheckInput = { type: "http", port: 3000, start: { run: "serve" } };
  const repeat = (world: CheckWorld, attempt: number, is_repeated = true) =>
    world.runner({ attempt }).run([want(spec)], { call_id: "call_1", budget_ms: 60_000, is_repeated });

  it("starts it anew, whether the former life has ended it or not", async () => {
    const world = new CheckWorld();
    world.place.deeds.set("serve", { hangs: true, serves: { "/": {} } });
    expect((await repeat(world, 1, false))[0]?.outcome).toBe("passed");
    expect((await repeat(world, 2))[0]?.outcome).toBe("passed");
    world.place.onCall = async (name) => {
      if (name.startsWith("request")) throw new Error("evicted");
      if (name === "end") throw new SandboxError("unavailable", "evicted");
    };
    await expect(repeat(world, 3)).rejects.toThrow("evicted");
    expect(world.place.running).toHaveLength(1);
    world.place.onCall = async () => {};
    expect((await repeat(world, 5))[0]?.outcome).toBe("passed");
    expect(world.place.running).toEqual([]);
  });
});

describe("a cancel", () => {
  it("at any point rejects with its reason, and leaves nothing running", async () => {
    const specs: CheckInput[] = [
      command("hangs"),
      { type: "http", port: 3000, start: { run: "serve" } },
      ...[{ type: "file", path: "a.txt" } as const, { type: "git" } as const, { type: "http", port: 9 } as const],
      command("ends", { protected: ["a.txt"] }),
    ];
    for (let point = 0; ; point++) {
      const world = new CheckWorld();
      world.place.deeds.set("hangs", { hangs: true, writes: { x: String(point) } });
      world.place.deeds.set("ends", {});
      world.place.deeds.set("serve", { hangs: true, serves: { "/": {} } });
      let count = 0;
      const reason = new Error("cancelled");
      world.place.onCall = async () => {
        if (count++ === point) world.end.abort(reason);
      };
      const wanted = specs.map((spec, at) => want(spec, at, { protected: [{ path: "a.txt", hash: hashOf("a") }] }));
      const running = world.runner().run(wanted, { call_id: "call_1", budget_ms: 300_000 });
      const settled = running.then(
        (receipts) => receipts.length,
        (error: unknown) => error,
      );
      const outcome = await world.drive(settled);
      expect(world.place.running).toEqual([]);
      if (!world.end.signal.aborted) {
        expect(outcome).toBe(specs.length);
        expect(point).toBeGreaterThan(12);
        return;
      }
      expect(outcome).toBe(reason);
    }
  });

  it("while a command runs ends it", async () => {
    const world = new CheckWorld();
    world.place.deeds.set("hangs", { hangs: true });
    const running = world.run([command("hangs")]);
    const rejected = expect(running).rejects.toThrow("cancelled");
    await world.until(() => world.place.running.length > 0);
    world.end.abort(new Error("cancelled"));
    await rejected;
    expect(world.place.running).toEqual([]);
    await expect(world.run([command("next")])).rejects.toThrow("cancelled");
    await expect(world.runner().readTree()).rejects.toThrow("cancelled");
  });
});
