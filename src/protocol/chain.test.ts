import { describe, expect, it } from "vitest";
import { type Chain, chainOf, MAX_HOPS, takeLonger } from "./chain.ts";

const cause = (invocation_id: string) => ({ trigger_id: "trig_1", thread_id: "thread-1", invocation_id });

describe("a chain", () => {
  it("is empty for what no webhook led to", () => {
    expect(chainOf()).toEqual({ hops: 0, caused_by: [] });
  });

  it("holds at most as many causes as hops, and at most MAX_HOPS hops, for any input", () => {
    for (const hops of [0, 1, 2, 3, 4, 1e9]) {
      for (let length = 0; length < 10; length++) {
        const caused_by = Array.from({ length }, (_, index) => cause(`inv_${index}`));
        const bounded = chainOf({ hops, caused_by });
        expect(bounded.hops).toBe(Math.min(hops, MAX_HOPS));
        expect(bounded.caused_by).toEqual(bounded.hops === 0 ? [] : caused_by.slice(-bounded.hops));
        expect(chainOf(bounded)).toEqual(bounded);
      }
    }
  });

  it("is replaced by a longer chain and never by a shorter one", () => {
    const run: Chain = { hops: 1, caused_by: [cause("inv_a")] };
    expect(takeLonger(run, { hops: 1, caused_by: [cause("inv_b")] })).toBe(false);
    expect(takeLonger(run, { hops: 0, caused_by: [] })).toBe(false);
    expect(run).toEqual({ hops: 1, caused_by: [cause("inv_a")] });
    expect(takeLonger(run, { hops: 2, caused_by: [cause("inv_c")] })).toBe(true);
    expect(run).toEqual({ hops: 2, caused_by: [cause("inv_c")] });
  });
});
