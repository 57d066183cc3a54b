/**
 * The processes of a terminal. An interactive shell puts each job into its own process group, so no single signal
 * reaches them all. They are found by the terminal's session and by descent, since a job may leave the session.
 */
import { readdirSync, readFileSync } from "node:fs";

/** Processes may start others while they are being killed. */
const maxRounds = 5;

interface Process {
  pid: number;
  parent: number;
  session: number;
}

export function killSession(leader: number): void {
  for (let round = 0; round < maxRounds; round += 1) {
    const found = findProcesses(leader);
    // Children first: after their parent died they could no longer be found by descent.
    for (const pid of found.reverse()) kill(pid);
    if (found.length <= 1) break;
  }
  kill(-leader);
}

function kill(pid: number): void {
  try {
    process.kill(pid, "SIGKILL");
  } catch {
    // It has ended by itself.
  }
}

/** The leader and all its descendants; parents before their children. */
function findProcesses(leader: number): number[] {
  const all = listProcesses();
  const found = new Set(all.filter(({ pid, session }) => pid === leader || session === leader).map(({ pid }) => pid));
  // Iterating a set includes items added meanwhile.
  for (const parent of found) for (const child of all) if (child.parent === parent) found.add(child.pid);
  return [...found];
}

/** Without /proc nothing is found; closing the terminal then hangs up its whole session. */
function listProcesses(): Process[] {
  try {
    return readdirSync("/proc")
      .filter((name) => /^\d+$/.test(name))
      .flatMap((name) => parseStatus(Number(name)));
  } catch {
    return [];
  }
}

/** `pid (name) state ppid pgrp session …`; the name may contain anything, even brackets. Zombies are skipped. */
function parseStatus(pid: number): Process[] {
  try {
    const text = readFileSync(`/proc/${pid}/stat`, "latin1");
    const [state, parent, , session] = text.slice(text.lastIndexOf(")") + 2).split(" ");
    return state === "Z" ? [] : [{ pid, parent: Number(parent), session: Number(session) }];
  } catch {
    return [];
  }
}
