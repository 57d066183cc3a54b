/**
 * Pauses and resumes the processes of a sandbox.
 *
 * All descendants of the sandbox's first process are stopped by signal, parents before children, in rounds until a
 * round finds no new one. A process that was forked meanwhile is found in the next round, and a stopped one forks no
 * more.
 */
import { readdir, readFile } from "node:fs/promises";

/** If every round finds new processes, something forks faster than signals arrive; the pause is then given up. */
const maxRounds = 50;

export async function freeze(root: number): Promise<void> {
  const stopped = new Set<number>();
  for (let round = 0; round < maxRounds; round += 1) {
    const found = (await findDescendants(root)).filter((pid) => !stopped.has(pid));
    if (found.length === 0) return;
    for (const pid of found) {
      send(pid, "SIGSTOP");
      stopped.add(pid);
    }
  }
  await thaw(root);
  throw new Error("its processes could not be held still");
}

export async function thaw(root: number): Promise<void> {
  for (const pid of await findDescendants(root)) send(pid, "SIGCONT");
}

/** Includes the root; parents come before their children. */
async function findDescendants(root: number): Promise<number[]> {
  const children = new Map<number, number[]>();
  for (const name of await readdir("/proc")) {
    if (!/^\d+$/.test(name)) continue;
    const parent = await readParent(name);
    if (parent !== undefined) children.set(parent, [...(children.get(parent) ?? []), Number(name)]);
  }
  const found = [root];
  // The list grows while it is iterated.
  for (const pid of found) found.push(...(children.get(pid) ?? []));
  return found;
}

async function readParent(pid: string): Promise<number | undefined> {
  const text = await readFile(`/proc/${pid}/stat`, "latin1").catch(() => "");
  // The program's name is in parentheses and may contain anything.
  const fields = text.slice(text.lastIndexOf(")") + 2).split(" ");
  return fields.length > 1 ? Number(fields[1]) : undefined;
}

function send(pid: number, signal: NodeJS.Signals): void {
  try {
    process.kill(pid, signal);
  } catch {
    // It has ended.
  }
}
