// Keeps the disk of a dead runtime as it was when something was found, for whoever wants to know why.
import { cp, mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";

/** `known` is what the campaign knows beside: what it found, its runs, the model's calls. */
export async function keepState(folder: string, state: string, known: object): Promise<void> {
  await mkdir(folder, { recursive: true });
  await cp(state, join(folder, "runtime"), { recursive: true });
  await writeFile(join(folder, "known.json"), JSON.stringify({ at: new Date().toISOString(), ...known }, null, 1));
}
