// What the Worker loads before its first request: how many modules are evaluated, and how large the bundle is.
import { readdir, readFile, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { gzipSync } from "node:zlib";
import { METAFILE } from "../processes/bundle.ts";

/** The call by which esbuild evaluates a CommonJS module when it is first required. */
const EVALUATION = "(0, cb[__getOwnPropNames(cb)[0]])";
const NOTED_EVALUATION = "(globalThis.evaluatedModules.add(__getOwnPropNames(cb)[0]), cb[__getOwnPropNames(cb)[0]])";
/** The wrapper of such a module, and that of an ES module which is imported dynamically. */
const LATE = /= __commonJS\(/g;
const DYNAMIC = /= __esm\(/;

interface Metafile {
  outputs: Record<string, { inputs: Record<string, { bytesInOutput: number }> }>;
}

/**
 * Makes a readable bundle note which CommonJS modules were evaluated, in `globalThis.evaluatedModules`. Returns how many
 * other modules it has: those are evaluated at start-up.
 */
export async function noteEvaluations(bundle: string): Promise<number> {
  const text = await readFile(bundle, "utf8");
  if (!text.includes(EVALUATION) || DYNAMIC.test(text))
    throw new Error("the bundle's modules are not as this file expects");
  await writeFile(
    bundle,
    `globalThis.evaluatedModules = new Set();\n${text.replace(EVALUATION, () => NOTED_EVALUATION)}`,
  );
  const { outputs } = JSON.parse(await readFile(join(dirname(bundle), METAFILE), "utf8")) as Metafile;
  const inputs = Object.values(outputs).flatMap((output) => Object.values(output.inputs));
  return inputs.filter(({ bytesInOutput }) => bytesInOutput > 0).length - (text.match(LATE)?.length ?? 0);
}

/** `bundle` is a path; all modules of its folder are uploaded. */
export async function measureBundle(bundle: string): Promise<{ kib: number; gzip_kib: number }> {
  const folder = dirname(bundle);
  const names = (await readdir(folder)).filter((name) => /\.(m?js|wasm|txt|html|bin)$/.test(name)).sort();
  const bytes = Buffer.concat(await Promise.all(names.map((name) => readFile(join(folder, name)))));
  return { kib: bytes.length / 1024, gzip_kib: gzipSync(bytes, { level: 9 }).length / 1024 };
}
