import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { expandScopes, readScopes, type Scope, scopes } from "./scope.ts";

const anyScopes = fc.subarray([...scopes]);

describe("the scopes of a key", () => {
  it("include those below them, and admin includes none and is included by none", () => {
    expect(scopes.map((scope) => expandScopes([scope]))).toEqual([
      ["read"],
      ["read", "run"],
      ["read", "run", "write"],
      ["admin"],
    ]);
    expect(expandScopes([])).toEqual([]);
  });

  it("never lose one, are the same when expanded again, and grow only with what is given", () =>
    fc.assert(
      fc.property(anyScopes, anyScopes, (given, more) => {
        const expanded = expandScopes(given);
        expect(expanded).toEqual(expect.arrayContaining(given));
        expect(expandScopes(expanded)).toEqual(expanded);
        expect(expandScopes([...given, ...more])).toEqual(expect.arrayContaining(expanded));
        expect(expanded.includes("admin")).toBe(given.includes("admin"));
      }),
    ));

  it("are read from a row as far as they are known, and a row that can't be read permits nothing", () => {
    expect([null, undefined].map(readScopes)).toEqual([null, null]);
    expect(readScopes(["run", "fly" as Scope])).toEqual(["read", "run"]);
    expect([[], ["fly"], "write", { write: true }, 1].map(readScopes)).toEqual([[], [], [], [], []]);
  });
});
