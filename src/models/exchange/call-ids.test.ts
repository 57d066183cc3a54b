import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { createCallIds } from "./messages.ts";

const forms = {
  nine: /^[A-Za-z0-9]{9}$/,
  plain: /^[A-Za-z0-9_-]{1,64}$/,
  forty: /^[\s\S]{1,40}$/,
  kimi: /^functions\.\w+:\d+$/,
} as const;

const anyId = fc.oneof(
  fc.constantFrom(
    "call_0",
    "functions.f:0",
    "c00000000",
    "c00000001",
    "aB3dE5fG7",
    "msg_0123456789abcdefghijkl_call_0",
  ),
  fc.string({ maxLength: 80 }),
);

describe.each(Object.entries(forms))("ids in the form %s", (form, pattern) => {
  it("fit, differ from each other, and lead from a call to its result, whatever ours are", () => {
    fc.assert(
      fc.property(fc.uniqueArray(anyId, { maxLength: 30 }), (ids) => {
        const mapper = createCallIds(form as keyof typeof forms);
        const mapped = ids.map((id) => {
          const wire = mapper.ofCall(id, "f");
          expect(mapper.ofResult(id)).toBe(wire);
          return wire;
        });
        for (const wire of mapped) expect(wire).toMatch(pattern);
        expect(new Set(mapped).size).toBe(ids.length);
      }),
    );
  });

  it("are the same for the same beginning of a history", () => {
    fc.assert(
      fc.property(fc.array(anyId, { maxLength: 20 }), fc.nat(20), (ids, length) => {
        const map = (list: string[]) => {
          const mapper = createCallIds(form as keyof typeof forms);
          return list.map((id) => mapper.ofCall(id, "f"));
        };
        expect(map(ids.slice(0, length))).toEqual(map(ids).slice(0, length));
      }),
    );
  });
});

describe("createCallIds", () => {
  it("keeps an id that fits", () => {
    expect(createCallIds("nine").ofCall("aB3dE5fG7", "f")).toBe("aB3dE5fG7");
    expect(createCallIds("plain").ofCall("call_1-x", "f")).toBe("call_1-x");
    expect(createCallIds("any").ofCall("functions.f:0", "f")).toBe("functions.f:0");
  });

  it("counts Kimi's calls over the whole conversation, under the name of each", () => {
    const ids = createCallIds("kimi");
    expect([ids.ofCall("a", "read"), ids.ofCall("b", "write"), ids.ofCall("c", "read")]).toEqual([
      "functions.read:0",
      "functions.write:1",
      "functions.read:2",
    ]);
  });

  it("leads to the last call where an old thread has an id twice", () => {
    const ids = createCallIds("kimi");
    ids.ofCall("call_0", "read");
    expect(ids.ofResult("call_0")).toBe("functions.read:0");
    ids.ofCall("call_0", "read");
    expect(ids.ofResult("call_0")).toBe("functions.read:1");
  });
});
