import { readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
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

  it("has each function of zod that src calls", async () => {
    const src = join(import.meta.dirname, "../../src");
    const names = (await readdir(src, { recursive: true })).filter((name) => /(?<!\.test)\.ts$/.test(name));
    const texts = await Promise.all(names.map((name) => readFile(join(src, name), "utf8")));
    const calls = texts.flatMap((text) => [...text.matchAll(/\bz\.(\w+)(?:\.[a-z]\w*)?\(/g)]);
    const called = new Set(calls.map(([, name = ""]) => name));
    expect(called).toContain("strictObject");
    expect([...called].filter((name) => !(name in ours.z))).toEqual([]);
  });

  it("says in English what is wrong", () => {
    const { error } = ours.z.string().safeParse(1);
    expect(error?.issues[0]?.message).toBe("Invalid input: expected string, received number");
  });
});
