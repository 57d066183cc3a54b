import { describe, expect, it } from "vitest";
import { newRunInput } from "../../protocol/thread.ts";
import { hashInput } from "./input-hash.ts";

const input = newRunInput({ user_id: "u", thread_id: "t", invocation_id: "inv" });

describe("the hash of an input", () => {
  it("differs by the caps of the request, in any order, and not by those of a trigger, which may change", async () => {
    const plain = await hashInput(input);
    const capped = await hashInput({ ...input, caps: [{ scope: "run", max_cost_usd: 1, max_minutes: 2 }] });
    expect(capped).not.toBe(plain);
    const turned = { max_minutes: 2, max_cost_usd: 1, scope: "run" } as const;
    expect(await hashInput({ ...input, caps: [turned] })).toBe(capped);
    expect(await hashInput({ ...input, caps: [{ ...turned, max_cost_usd: 0 }] })).not.toBe(capped);
    expect(await hashInput({ ...input, caps: [{ scope: "trigger", max_cost_usd: 1 }] })).toBe(plain);
  });
});
