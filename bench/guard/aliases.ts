// What `[alias]` in wrangler.toml replaces, checked against a bundle: an update of a package may move a file, so that an
// alias no longer has an effect, and a name with a path may be one that another package imports, too.
import { readFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { METAFILE } from "../processes/bundle.ts";

/** By folder of scripts/bundle: whose files its aliases with a path may replace. */
const packages: Record<string, readonly string[]> = {
  daytona: ["@daytonaio/sdk"],
  drizzle: ["drizzle-orm"],
  openai: ["openai"],
};

export interface Inputs {
  inputs: Record<string, { imports: { path: string; original?: string }[] }>;
}

/** Says what is wrong. `bundle` is the path of a readable one. */
export async function checkAliases(bundle: string, root: string): Promise<string[]> {
  const settings = await readFile(join(root, "wrangler.toml"), "utf8");
  const metafile = JSON.parse(await readFile(join(dirname(bundle), METAFILE), "utf8")) as Inputs;
  return findWrongAliases(readAliases(settings), metafile);
}

/** From `[alias]` to the next table. */
export function readAliases(settings: string): [name: string, replacement: string][] {
  const [, table = ""] = /^\[alias\]\n((?:(?!\[).*\n)*)/m.exec(settings) ?? [];
  const lines = [...table.matchAll(/^"?([^"#\s]+)"? = "\.\/([^"]+)"$/gm)];
  return lines.map(([, name = "", replacement = ""]) => [name, replacement]);
}

export function findWrongAliases(aliases: [name: string, replacement: string][], { inputs }: Inputs): string[] {
  const imports = Object.entries(inputs).flatMap(([importer, { imports }]) =>
    imports.map(({ path, original = "" }) => ({ importer, path, original })),
  );
  return aliases.flatMap(([name, replacement]) => {
    const found = imports.filter(({ original, path }) => original === name && path.endsWith(replacement));
    if (found.length === 0) return [`nothing in the bundle imports ${name}: its alias has no effect`];
    if (!name.startsWith(".")) return [];
    const [, folder = ""] = /^scripts\/bundle\/(\w+)\//.exec(replacement) ?? [];
    const isMeant = (importer: string): boolean =>
      (packages[folder] ?? []).some((name) => importer.includes(`node_modules/${name}/`));
    return found
      .filter(({ importer }) => !isMeant(importer))
      .map(({ importer }) => `${importer} imports ${name} and gets ${replacement}, which is not meant for it`);
  });
}
