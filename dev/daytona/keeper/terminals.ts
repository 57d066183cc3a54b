/**
 * A pseudo-terminal: an interactive login shell on one channel, whose bytes pass unchanged in both directions.
 *
 * Channel and terminal end together: the channel closes when the shell exits, and closing the channel kills the shell
 * with all that it started. The library for pseudo-terminals is native code for a few platforms only, so it is loaded
 * on first use: without it, everything but terminals works.
 */
import { readdirSync, readFileSync, writeSync } from "node:fs";
import { stat } from "node:fs/promises";
import { setTimeout as pause, setImmediate as turn } from "node:timers/promises";
import type { IPty } from "@lydell/node-pty";
import {
  answer,
  type Channel,
  frameKind,
  KeeperError,
  pieceBytes,
  type Request,
  readText,
  readVariables,
  writeFrame,
  writeJson,
} from "./channel.ts";
import { findShell, type KeeperSettings, processEnvironment, resolvePath } from "./settings.ts";

/** Members of the library's terminal that its types leave out. */
type Terminal = IPty & { readonly fd: number; on(event: "error" | "close", act: () => void): void; destroy(): void };

/** How long to wait before writing to a full terminal again; short enough that nobody who types notices. */
const fullPauseMs = 10;

const terminals = new Map<string, Terminal>();

export async function servePty(channel: Channel, request: Request, settings: KeeperSettings): Promise<void> {
  const id = readText(request, "id");
  const terminal = await startTerminal(request, settings);
  terminals.set(id, terminal);
  let isOpen = true;
  terminal.on("close", () => {
    isOpen = false;
  });
  // The library throws unknown errors if there is only one listener, which would end the keeper.
  terminal.on("error", () => {});
  const flush = forwardOutput(terminal, channel);
  const exited = awaitExit(terminal);
  await answer(channel, {});
  void takeInput(channel, terminal, () => isOpen).then(() => {
    if (terminals.get(id) === terminal) killSession(terminal.pid);
  });
  const exitCode = await exited;
  terminals.delete(id);
  // A namespace ends the remaining jobs; without one, nothing else would.
  if (settings.fenced) killSession(terminal.pid);
  await flush();
  await writeJson(channel.socket, { exitCode });
}

export function resizePty(request: Request): null {
  const terminal = terminals.get(readText(request, "id"));
  if (!terminal) throw new KeeperError(410, "GONE", "the terminal has ended");
  terminal.resize(Number(request.cols), Number(request.rows));
  return null;
}

/** Called when the keeper ends. */
export function endTerminals(): void {
  for (const terminal of terminals.values()) killSession(terminal.pid);
}

async function startTerminal(request: Request, settings: KeeperSettings): Promise<Terminal> {
  const cwd = await resolvePath(settings, readText(request, "cwd"));
  if (!(await stat(cwd)).isDirectory()) throw new KeeperError(400, "BAD_REQUEST", "cwd is not a directory");
  const { spawn } = await import("@lydell/node-pty").catch(() => {
    throw new KeeperError(500, "INTERNAL_SERVER_ERROR", "there are no pseudo-terminals on this platform");
  });
  return spawn(findShell(), ["-i", "-l"], {
    cols: Number(request.cols),
    rows: Number(request.rows),
    cwd,
    env: processEnvironment(settings, readVariables(request, "variables")),
    // Bytes, not text: a chunk may end in the middle of a character.
    encoding: null,
  }) as Terminal;
}

/** The exit code as a shell reports it: 128 plus the signal's number for a process that a signal ended. */
function awaitExit(terminal: Terminal): Promise<number> {
  return new Promise((resolve) => {
    terminal.onExit(({ exitCode, signal }) => resolve(signal ? 128 + signal : exitCode));
  });
}

/**
 * A terminal is read in chunks of a few kilobytes; those of one turn of the event loop are sent as one frame. If the
 * server reads slowly, the printing program waits.
 */
function forwardOutput(terminal: Terminal, channel: Channel): () => Promise<void> {
  let pieces: Buffer[] = [];
  let bytes = 0;
  let flushing: Promise<void> | undefined;
  const flush = async (): Promise<void> => {
    while (pieces.length > 0) {
      await turn();
      const payload = Buffer.concat(pieces);
      pieces = [];
      bytes = 0;
      terminal.resume();
      await writeFrame(channel.socket, frameKind.stdout, payload);
    }
    flushing = undefined;
  };
  terminal.onData((text) => {
    const piece = text as unknown as Buffer;
    pieces.push(piece);
    bytes += piece.length;
    if (bytes >= pieceBytes) terminal.pause();
    flushing ??= flush();
  });
  return () => flushing ?? Promise.resolve();
}

async function takeInput(channel: Channel, terminal: Terminal, isOpen: () => boolean): Promise<void> {
  for (let frame = await channel.reader.next(); frame; frame = await channel.reader.next()) {
    if (frame.kind === frameKind.data) await writeInput(terminal, frame.payload, isOpen);
    // A hang-up: programs get SIGHUP, and those that were started to outlive it continue.
    else if (frame.kind === frameKind.finish) terminal.destroy();
  }
}

/**
 * Does not use the library's write: it spins until a program reads its input, so a sleeping program would block the
 * whole keeper. The descriptor is non-blocking, so a full terminal is an error to retry.
 */
async function writeInput(terminal: Terminal, data: Buffer, isOpen: () => boolean): Promise<void> {
  for (let position = 0; position < data.length && isOpen(); ) {
    try {
      position += writeSync(terminal.fd, data, position);
    } catch (error) {
      if (!(error instanceof Error && "code" in error && error.code === "EAGAIN")) return;
      await pause(fullPauseMs);
    }
  }
}

/** Processes may start others while they are being killed. */
const maxRounds = 5;

interface Process {
  pid: number;
  parent: number;
  session: number;
}

function killSession(leader: number): void {
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
