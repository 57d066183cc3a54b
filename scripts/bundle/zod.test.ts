import { describe, expect, it } from "vitest";
import * as zod from "zod";
import * as ours from "./zod.ts";

/** What the Worker does not use, and what only that would need. */
const leftOut = [
  "ZodCompileAsyncError",
  "ZodCompileUnsupportedError",
  "compile",
  "core",
  "deepPartial",
  "input",
  "locales",
  "memoizer",
  "output",
  "regexes",
  "toZod",
  "util",
  "withParser",
];

describe("the bundle's zod", () => {
  it("has all that zod has, the very same, but for what is left out", () => {
    const names = Object.entries(zod.z).filter(([name]) => !leftOut.includes(name));
    expect({ ...ours.z }).toEqual(Object.fromEntries(names));
    expect(Object.keys(ours).sort()).toEqual(
      Object.keys(zod)
        .filter((name) => !leftOut.includes(name))
        .sort(),
    );
    expect(leftOut.filter((name) => !(name in zod.z))).toEqual([]);
    expect(ours.default).toBe(ours.z);
  });

  it("says in English what is wrong", () => {
    const { error } = ours.z.string().safeParse(1);
    expect(error?.issues[0]?.message).toBe("Invalid input: expected string, received number");
  });
});
