import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { findWrongAliases, readAliases } from "./aliases.ts";

const replacement = "scripts/bundle/openai/parts.ts";
const client = "node_modules/openai/client.mjs";

function inputsOf(...imports: [importer: string, original: string, path?: string][]) {
  const listed = imports.map(([importer, original, path = replacement]) => [
    importer,
    { imports: [{ original, path }] },
  ]);
  return { inputs: Object.fromEntries(listed) };
}

describe("the aliases of wrangler.toml", () => {
  it("are read, all of them", async () => {
    const text = await readFile(join(import.meta.dirname, "../../wrangler.toml"), "utf8");
    const lines = text.slice(text.indexOf("[alias]"), text.indexOf("[assets]")).split("\n").filter(Boolean).slice(1);
    const aliases = readAliases(text);
    expect(aliases).toHaveLength(lines.length);
    expect(aliases).toContainEqual(["zod", "scripts/bundle/zod.ts"]);
    expect(aliases).toContainEqual(["./resources/index.mjs", replacement]);
  });

  it.each([
    ["is right where its package imports it", [[client, "./a.mjs"]], []],
    ["has no effect where nothing imports it", [[client, "./b.mjs"]], [/nothing in the bundle imports \.\/a\.mjs/]],
    [
      "has no effect where it leads elsewhere",
      [[client, "./a.mjs", "node_modules/openai/a.mjs"]],
      [/nothing in the bundle imports/],
    ],
    [
      "is wrong where another package imports it, too",
      [
        [client, "./a.mjs"],
        ["node_modules/other/index.mjs", "./a.mjs"],
      ],
      [/other\/index\.mjs imports \.\/a\.mjs/],
    ],
    [
      "is wrong where we import it",
      [
        [client, "./a.mjs"],
        ["src/app.ts", "./a.mjs"],
      ],
      [/src\/app\.ts imports/],
    ],
  ] as [string, [string, string, string?][], RegExp[]][])("one %s", (_, imports, wrong) => {
    const found = findWrongAliases([["./a.mjs", replacement]], inputsOf(...imports));
    expect(found).toEqual(wrong.map((line) => expect.stringMatching(line)));
  });

  it("of a package may be imported by any", () => {
    expect(findWrongAliases([["openai", replacement]], inputsOf(["src/app.ts", "openai"]))).toEqual([]);
  });
});
