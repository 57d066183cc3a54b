import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import { describe, expect, it } from "vitest";
import { makeReceipt } from "../../../test/fakes/receipts.ts";
import { KEPT_CHARACTERS, shortenReceipt } from "./shorten.ts";

const whole = (output_head: string, output_tail = "") => makeReceipt({ output_head, output_tail, output_bytes: 9 });

describe("a receipt for D1", () => {
  it("is the same if its output is short", () => {
    const receipt = whole("x".repeat(2 * KEPT_CHARACTERS));
    expect(shortenReceipt(receipt)).toBe(receipt);
    const cut = whole("x".repeat(KEPT_CHARACTERS), "y".repeat(KEPT_CHARACTERS));
    expect(shortenReceipt(cut)).toBe(cut);
  });

  it("has the ends of a long output, and the size and hash of the whole", () => {
    const receipt = whole(`first${"x".repeat(60_000)}last`);
    const { output_head, output_tail, ...rest } = shortenReceipt(receipt);
    expect([output_head.slice(0, 6), output_tail.slice(-5)]).toEqual(["firstx", "xlast"]);
    expect([output_head.length, output_tail.length]).toEqual([KEPT_CHARACTERS, KEPT_CHARACTERS]);
    const { output_head: _, output_tail: __, ...same } = receipt;
    expect(rest).toEqual(same);
  });

  it("has the beginning of the head and the end of the tail, and no half of a character", () => {
    const { output_head, output_tail } = shortenReceipt(whole(`a${"😀".repeat(5_000)}`, `${"😀".repeat(5_000)}b`));
    expect([output_head.isWellFormed(), output_tail.isWellFormed()]).toEqual([true, true]);
    expect([output_head[0], output_tail.at(-1)]).toEqual(["a", "b"]);
  });

  it("holds nothing of the rest in memory", () => {
    setFlagsFromString("--expose-gc");
    const collect = runInNewContext("gc") as () => void;
    const heap = () => {
      collect();
      return process.memoryUsage().heapUsed;
    };
    const before = heap();
    const kept = Array.from({ length: 500 }, (_, at) =>
      shortenReceipt(whole(Buffer.alloc(65_536, 97 + (at % 20)).toString("latin1"))),
    );
    // Half of what the outputs have as a whole. The ends are an eighth.
    expect(heap() - before).toBeLessThan((500 * 65_536) / 2);
    expect(kept.every(({ output_head }) => output_head.length === KEPT_CHARACTERS)).toBe(true);
  });
});
