/**
 * The processes of a terminal. An interactive shell puts each job into a process group of its own, so that no one signal
 * reaches them all: they are found by the session that the terminal began, and by descent, since a job may leave it.
 */
import { readdirSync, readFileSync } from "node:fs";

/** While they are being killed they may start others. */
const maxRounds = 5;

interface Process {
  pid: number;
  parent: number;
  session: number;
}

export function killSession(leader: number): void {
  for (let round = 0; round < maxRounds; round += 1) {
    const found = findProcesses(leader);
    // Children first: those of a dead parent would no longer be found by descent.
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

/** The leader, what it started, and what those started: parents before their children. */
function findProcesses(leader: number): number[] {
  const all = listProcesses();
  const found = new Set(all.filter(({ pid, session }) => pid === leader || session === leader).map(({ pid }) => pid));
  // A set goes on to those that are added while it is walked.
  for (const parent of found) for (const child of all) if (child.parent === parent) found.add(child.pid);
  return [...found];
}

/** Where there is no /proc nothing is found: the terminal's end is then a hang-up for all of its session. */
function listProcesses(): Process[] {
  try {
    return readdirSync("/proc")
      .filter((name) => /^\d+$/.test(name))
      .flatMap((name) => parseStatus(Number(name)));
  } catch {
    return [];
  }
}

/** `pid (name) state ppid pgrp session …`; the name may hold anything, even brackets. The dead need no killing. */
function parseStatus(pid: number): Process[] {
  try {
    const text = readFileSync(`/proc/${pid}/stat`, "latin1");
    const [state, parent, , session] = text.slice(text.lastIndexOf(")") + 2).split(" ");
    return state === "Z" ? [] : [{ pid, parent: Number(parent), session: Number(session) }];
  } catch {
    return [];
  }
}
