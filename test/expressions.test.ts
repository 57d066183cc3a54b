// No regular expression of `src` takes more than linear time, whatever the text is.
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { type Found, findExpressions } from "./expressions/find.ts";
import { findSlowness } from "./expressions/slowness.ts";
import { isTest, readSources, type Source } from "./floors/sources.ts";

const root = join(import.meta.dirname, "..");
const sources = (await readSources(root)).filter(({ path }) => path.startsWith("src/") && !isTest(path));
const found = sources.map((source) => ({ source, ...findExpressions(source) }));

/** What the calls at the top of a module make. */
async function watchCalls({ path }: Source): Promise<Found[]> {
  const address = join(root, path);
  // What it imports is loaded before, so that only its own calls are seen.
  await import(/* @vite-ignore */ address);
  const made: Found[] = [];
  const real = RegExp;
  globalThis.RegExp = new Proxy(real, {
    construct(target, args) {
      const expression = Reflect.construct(target, args) as RegExp;
      made.push({ place: path, expression });
      return expression;
    },
  });
  try {
    await import(/* @vite-ignore */ `${address}?watched`);
  } finally {
    globalThis.RegExp = real;
  }
  return made;
}

function describeSlow({ place, expression }: Found): string[] {
  const slowness = findSlowness(expression);
  return slowness === null ? [] : [`${place} ${expression} is slow for ${slowness}`];
}

describe("regular expressions of src", () => {
  it("take linear time", () => {
    const literals = found.flatMap((each) => each.literals);
    expect(literals.length).toBeGreaterThan(800);
    expect(literals.flatMap(describeSlow)).toEqual([]);
  });

  it("that are made at the top of a module take linear time", async () => {
    const made: Found[] = [];
    for (const { source, calls } of found) {
      if (!calls.some(({ isTop }) => isTop)) continue;
      const own = await watchCalls(source);
      expect(own.length, source.path).toBeGreaterThanOrEqual(calls.filter(({ isTop }) => isTop).length);
      made.push(...own);
    }
    expect(made.flatMap(describeSlow)).toEqual([]);
  });

  it("that are made in a function have only constants and escaped texts in them", () => {
    const free = found.flatMap(({ calls }) => calls.filter(({ isTop, isEscaped }) => !isTop && !isEscaped));
    expect(free.map(({ place }) => place)).toEqual([]);
  });
});

describe("slow expressions are found", () => {
  it.each([
    /[ \t]+$/,
    /^[ \t]+|[ \t]+$/g,
    /a*a*b/,
    /(?:a+)+b/,
    /<!--[\s\S]*?-->/g,
    /sandbox .*not found/i,
    /\[[^\]]*\]\([^)]*\)/g,
    /("(?:[^"\\]|\\.)*")\s*(:?)/gs,
    /^taskloom:([\s\S]*):end$/m,
  ])("%s", (expression) => {
    expect(findSlowness(expression)).not.toBeNull();
  });

  it.each([/(?<![ \t])[ \t]+$/, /\s+/g, /^a*b/, /sandbox .{0,200}not found/i, /"[^"]*"/g])(
    "%s is linear",
    (expression) => {
      expect(findSlowness(expression)).toBeNull();
    },
  );

  it("in a function, unless what is inserted is escaped", () => {
    const made = ["x", "`a$" + "{x}`", "`a$" + "{escapePattern(x)}$" + "{END}`"].map((text) => `new RegExp(${text})`);
    const text = `const f = (x) => [${made.join(", ")}];`;
    const { calls } = findExpressions({ path: "src/a.ts", text });
    expect(calls.map(({ isTop, isEscaped }) => [isTop, isEscaped])).toEqual([
      [false, false],
      [false, false],
      [false, true],
    ]);
  });
});
