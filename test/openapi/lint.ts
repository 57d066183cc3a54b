// The description against the rules of two linters. What is off in their configurations has its reason there.
import { join } from "node:path";
import { folder, made, run, tool } from "./steps.ts";

/** Returns what is wrong; a warning is, too. */
export async function lint(): Promise<string[]> {
  const path = join(made, "openapi.json");
  const redocly = await run(tool("redocly"), [
    "lint",
    path,
    "--config",
    join(folder, "redocly.yaml"),
    "--format=stylish",
  ]);
  const spectral = await run(tool("spectral"), [
    "lint",
    path,
    "-r",
    join(folder, "spectral.yaml"),
    "--fail-severity=hint",
  ]);
  return [
    ...(redocly.code === 0 && !/\bwarning\b/.test(redocly.text) ? [] : [redocly.text]),
    ...(spectral.code === 0 ? [] : [spectral.text]),
  ];
}
