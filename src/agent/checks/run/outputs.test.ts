import { describe, expect, it } from "vitest";
import { CheckWorld, turn } from "../../../../test/fakes/check-world.ts";
import { describeMemory } from "../../../lib/memory/room.ts";
import { bytesOf } from "../../../lib/memory/text-bytes.ts";
import type { CheckInput, Receipt } from "../../../protocol/plan/check.ts";
import { KeptOutputs, MAX_OUTPUTS_BYTES } from "./outputs.ts";

const held = () => describeMemory().kept.checks ?? 0;
const bytesIn = (receipts: readonly Receipt[]) =>
  receipts.reduce((sum, { output_head, output_tail }) => sum + bytesOf(output_head) + bytesOf(output_tail), 0);

/** A world in which each of so many commands prints more than a receipt keeps, in Chinese: two bytes a character. */
function manyLoud(count: number): { world: CheckWorld; specs: CheckInput[] } {
  const world = new CheckWorld();
  const specs = Array.from({ length: count }, (_, at): CheckInput => {
    const run = `loud ${at}`;
    world.place.deeds.set(run, { output: `first ${at} ${"很长".repeat(40_000)} last ${at}`, exit_code: 1 });
    return { type: "command", run };
  });
  return { world, specs };
}

describe("the outputs of checks", () => {
  it("of many threads that check at once stay within their bound, and each receipt has its ends and its hash", async () => {
    let most = 0;
    const worlds = Array.from({ length: 20 }, () => manyLoud(30));
    const runs = worlds.map(({ world, specs }) => {
      world.place.onCall = async () => {
        most = Math.max(most, held());
        await turn();
      };
      return world.run(specs);
    });
    const receipts = (await Promise.all(runs)).flat();
    expect(receipts).toHaveLength(600);
    // What always has room: 400 characters, two bytes each.
    const least = 600 * 800;
    expect(most).toBeGreaterThan(MAX_OUTPUTS_BYTES / 2);
    expect(most).toBeLessThanOrEqual(MAX_OUTPUTS_BYTES + least);
    for (const { spec, output_head, output_tail, output_bytes, output_hash, outcome } of receipts) {
      const at = spec.type === "command" ? spec.run.slice("loud ".length) : "";
      expect([output_head.startsWith(`first ${at} `), output_tail.endsWith(` last ${at}`)]).toEqual([true, true]);
      expect([output_bytes > 200_000, output_hash?.length, outcome]).toEqual([true, 64, "failed"]);
    }
    expect(held()).toBe(0);
  });

  it("of one thread take half of the room at most", async () => {
    const { world, specs } = manyLoud(150);
    let most = 0;
    world.place.onCall = async () => {
      most = Math.max(most, held());
    };
    const receipts = await world.run(specs);
    expect(most).toBeLessThanOrEqual(MAX_OUTPUTS_BYTES / 2 + 150 * 800);
    expect(bytesOf(receipts[0]?.output_head ?? "")).toBeGreaterThan(20_000);
  });

  it("are judged as a whole, however little is kept of them", async () => {
    const full = Array.from({ length: 2 }, () => new KeptOutputs());
    const large = { head: "x".repeat(MAX_OUTPUTS_BYTES / 2), tail: "", bytes: 1, hash: null };
    for (const each of full) each.keep(large);
    const world = new CheckWorld();
    const output = `${"x".repeat(20_000)} 12 passed ${"x".repeat(20_000)}`;
    world.place.deeds.set("npm test", { output });
    const [receipt] = await world.run([{ type: "command", run: "npm test", contains: "12 passed" }]);
    expect(receipt).toMatchObject({ outcome: "passed", output_bytes: output.length });
    expect(bytesIn(receipt === undefined ? [] : [receipt])).toBe(400);
    for (const each of full) each.release();
    expect(held()).toBe(0);
  });
});
