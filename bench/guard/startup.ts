// What the Worker loads before its first request: how many modules are evaluated, and how large the bundle is.
import { readdir, readFile, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { gzipSync } from "node:zlib";
import { METAFILE } from "../processes/bundle.ts";

/** The calls by which esbuild evaluates a CommonJS module, or an ES module that one requires, when it is first needed. */
const EVALUATIONS = ["(0, cb[__getOwnPropNames(cb)[0]])", "(0, fn[__getOwnPropNames(fn)[0]])"];
/** The wrappers of such modules. */
const LATE = /= __(?:commonJS|esm)\(/g;

interface Metafile {
  outputs: Record<string, { inputs: Record<string, { bytesInOutput: number }> }>;
}

/**
 * Makes a readable bundle note which late modules were evaluated, in `globalThis.evaluatedModules`. Returns how many
 * other modules it has: those are evaluated at start-up.
 */
export async function noteEvaluations(bundle: string): Promise<number> {
  const text = await readFile(bundle, "utf8");
  if (EVALUATIONS.some((call) => !text.includes(call))) {
    throw new Error("the bundle's modules are not as this file expects");
  }
  const noted = EVALUATIONS.reduce((read, call) => read.replace(call, () => note(call)), text);
  await writeFile(bundle, `globalThis.evaluatedModules = new Set();\n${noted}`);
  const { outputs } = JSON.parse(await readFile(join(dirname(bundle), METAFILE), "utf8")) as Metafile;
  const inputs = Object.values(outputs).flatMap((output) => Object.values(output.inputs));
  return inputs.filter(({ bytesInOutput }) => bytesInOutput > 0).length - (text.match(LATE)?.length ?? 0);
}

/** `(0, f[name])` → `(noted, f[name])` */
function note(call: string): string {
  const [, evaluated = ""] = /^\(0, (.*)\)$/.exec(call) ?? [];
  const [, name = ""] = /\[(.*)\]$/.exec(evaluated) ?? [];
  return `(globalThis.evaluatedModules.add(${name}), ${evaluated})`;
}

/** `bundle` is a path; all modules of its folder are uploaded. */
export async function measureBundle(bundle: string): Promise<{ kib: number; gzip_kib: number }> {
  const folder = dirname(bundle);
  const names = (await readdir(folder)).filter((name) => /\.(m?js|wasm|txt|html|bin)$/.test(name)).sort();
  const bytes = Buffer.concat(await Promise.all(names.map((name) => readFile(join(folder, name)))));
  return { kib: bytes.length / 1024, gzip_kib: gzipSync(bytes, { level: 9 }).length / 1024 };
}
