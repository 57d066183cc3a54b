// Which TCP ports a process and its descendants listen on, read from Linux's /proc.
import { readdir, readFile, readlink } from "node:fs/promises";

export const canListListeners = process.platform === "linux";

/** The state of a listening socket in /proc/net/tcp. */
const LISTENING = "0A";

export interface Listener {
  port: number;
  pid: number;
  /** The name of its program. */
  program: string;
}

export async function listListeners(pid: number): Promise<Listener[]> {
  const [family, sockets] = await Promise.all([listFamily(pid), listSockets()]);
  const found = new Map<number, Listener>();
  for (const { pid, program } of family) {
    const names = await readdir(`/proc/${pid}/fd`).catch(() => []);
    const targets = await Promise.all(names.map((name) => readlink(`/proc/${pid}/fd/${name}`).catch(() => "")));
    for (const target of targets) {
      const port = sockets.get(/^socket:\[(\d+)\]$/.exec(target)?.[1] ?? "");
      if (port !== undefined) found.set(port, { port, pid, program });
    }
  }
  return [...found.values()];
}

async function listFamily(root: number): Promise<{ pid: number; program: string }[]> {
  const pids = (await readdir("/proc")).filter((name) => /^\d+$/.test(name)).map(Number);
  const stats = await Promise.all(pids.map((pid) => readFile(`/proc/${pid}/stat`, "utf8").catch(() => "")));
  const processes = stats.flatMap((stat) => {
    // A program's name is in brackets, and may contain anything.
    const [, pid, program, parent] = /^(\d+) \((.*)\) \S (\d+) /s.exec(stat) ?? [];
    return program === undefined ? [] : [{ pid: Number(pid), program, parent: Number(parent) }];
  });
  const family = processes.filter(({ pid }) => pid === root);
  for (const { pid } of family) family.push(...processes.filter(({ parent }) => parent === pid));
  return family;
}

/** The port of each listening socket, by its inode. */
async function listSockets(): Promise<Map<string, number>> {
  const tables = await Promise.all(
    ["tcp", "tcp6"].map((name) => readFile(`/proc/net/${name}`, "utf8").catch(() => "")),
  );
  const rows = tables.flatMap((table) => table.split("\n").slice(1)).map((row) => row.trim().split(/\s+/));
  const listening = rows.filter(([, , , state]) => state === LISTENING);
  return new Map(
    listening.map(([, local = "", , , , , , , , inode = ""]) => [
      inode,
      Number.parseInt(local.split(":")[1] ?? "", 16),
    ]),
  );
}
