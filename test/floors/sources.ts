// Reads all source files, and what each of them imports.
import { readdir, readFile } from "node:fs/promises";
import { join, posix } from "node:path";

/** A file as the rules see it. Its path starts at the repository's root and has forward slashes. */
export interface Source {
  path: string;
  text: string;
}

export interface Import {
  /** The specifier as it is written. */
  specifier: string;
  /** The path of a relative import from the repository's root; null for a package. */
  target: string | null;
  typeOnly: boolean;
}

const folders = ["src", "dev", "test", "scripts", "bench", "examples"];

export async function readSources(root: string): Promise<Source[]> {
  const listed = await Promise.all(
    folders.map(async (folder) => {
      const entries = await readdir(join(root, folder), { recursive: true, withFileTypes: true });
      return entries
        .filter((entry) => entry.isFile() && /\.tsx?$/.test(entry.name))
        .map((entry) => join(entry.parentPath, entry.name).slice(root.length + 1))
        .map((path) => path.replaceAll("\\", "/"));
    }),
  );
  const paths = listed.flat().filter((path) => !path.includes("node_modules/"));
  return Promise.all(paths.map(async (path) => ({ path, text: await readFile(join(root, path), "utf8") })));
}

const statement = /^[ \t]*(?:import|export)\s+(type\s)?[^"';]*?\bfrom\s*["']([^"']+)["']/gm;
const bare = /^[ \t]*import\s*["']([^"']+)["']/gm;
const call = /\b(?:import|require)\(\s*["']([^"']+)["']\s*[,)]/g;

export function readImports({ path, text }: Source): Import[] {
  const resolve = (specifier: string, typeOnly: boolean): Import => ({
    specifier,
    target: specifier.startsWith(".") ? posix.join(posix.dirname(path), specifier) : null,
    typeOnly,
  });
  return [
    ...[...text.matchAll(statement)].map((match) => resolve(match[2] ?? "", match[1] !== undefined)),
    ...[...text.matchAll(bare)].map((match) => resolve(match[1] ?? "", false)),
    ...[...text.matchAll(call)].map((match) => resolve(match[1] ?? "", false)),
  ];
}

export function isTest(path: string): boolean {
  return /\.test\.tsx?$/.test(path) || path.startsWith("test/");
}
