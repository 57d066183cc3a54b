import { describe, expect, it } from "vitest";
import { applyPatch } from "./patch.ts";

describe("applyPatch", () => {
  const value = { plan: { sections: [{ id: "a" }, { id: "b" }] }, "x/y": 1 };

  it("adds, removes and replaces without changing its input", () => {
    const before = structuredClone(value);
    const after = applyPatch(value, [
      { op: "add", path: "/plan/sections/-", value: { id: "c" } },
      { op: "remove", path: "/plan/sections/0" },
      { op: "replace", path: "/plan/sections/0/id", value: "B" },
      { op: "replace", path: "/x~1y", value: 2 },
    ]);
    expect(after).toEqual({ plan: { sections: [{ id: "B" }, { id: "c" }] }, "x/y": 2 });
    expect(value).toEqual(before);
  });

  it("replaces the whole document", () => {
    expect(applyPatch<unknown>(value, [{ op: "replace", path: "", value: 5 }])).toBe(5);
  });

  it.each(["/nothing/here", "/plan/sections/2", "/plan/sections/-1", "/plan/none"])("refuses the path %s", (path) => {
    expect(() => applyPatch(value, [{ op: "replace", path, value: 1 }])).toThrow("no place");
  });

  it("never reaches a prototype", () => {
    expect(() => applyPatch(value, [{ op: "add", path: "/__proto__/polluted", value: 1 }])).toThrow("no place");
    applyPatch(value, [{ op: "add", path: "/__proto__", value: { polluted: 1 } }]);
    expect(({} as { polluted?: number }).polluted).toBeUndefined();
  });
});
