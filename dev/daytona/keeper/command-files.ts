/**
 * What a session leaves in the sandbox, as the daemon does: `~/.daytona/sessions/{session}/{command}` with the
 * command's text, its log, its exit code and, while it runs, a named pipe for each of its streams. Every program of the
 * sandbox can read them, and a listing of the home shows them.
 */
import { appendFile, mkdir, rm, writeFile } from "node:fs/promises";
import type { KeeperSettings } from "./settings.ts";

const markBytes = 3;
const marks = { stdout: 1, stderr: 2 };
/** The log that clients read is the server's, which is bounded too. This one fills the sandbox's disk. */
const maxLogBytes = 16 * 1024 * 1024;

export function sessionFolder(settings: KeeperSettings, session: string): string {
  const isName = /^[^/\0]{1,200}$/.test(session) && session !== "." && session !== "..";
  return `${settings.home}/.daytona/sessions/${isName ? session : encodeURIComponent(session).replaceAll(".", "%2E").slice(0, 200)}`;
}

export function removeSession(settings: KeeperSettings, session: string): Promise<void> {
  return rm(sessionFolder(settings, session), { recursive: true, force: true });
}

export class CommandFiles {
  readonly folder: string;
  #bytes = 0;
  #queue: Promise<void> = Promise.resolve();

  constructor(folder: string) {
    this.folder = folder;
  }

  get text(): string {
    return `${this.folder}/cmd.sh`;
  }

  get input(): string {
    return `${this.folder}/input.pipe`;
  }

  get stdout(): string {
    return `${this.folder}/stdout.pipe`;
  }

  get stderr(): string {
    return `${this.folder}/stderr.pipe`;
  }

  async make(text: string): Promise<void> {
    await mkdir(this.folder, { recursive: true, mode: 0o755 });
    await writeFile(`${this.folder}/output.log`, "");
    await writeFile(this.text, text, { mode: 0o600 });
  }

  /** Adds whole lines to the log. A command may have removed the folder: its log then has none of it. */
  append(stream: "stdout" | "stderr", lines: Buffer): Promise<void> {
    if (lines.length === 0 || this.#bytes > maxLogBytes) return this.#queue;
    const marked = markLines(stream, lines);
    this.#bytes += marked.length;
    this.#queue = this.#queue.then(() => appendFile(`${this.folder}/output.log`, marked)).catch(() => undefined);
    return this.#queue;
  }

  async finish(exitCode: number): Promise<void> {
    await this.#queue;
    await writeFile(`${this.folder}/exit_code`, `${exitCode}\n`).catch(() => undefined);
    for (const pipe of [this.input, this.stdout, this.stderr]) await rm(pipe, { force: true });
  }
}

function markLines(stream: "stdout" | "stderr", lines: Buffer): Buffer {
  const mark = Buffer.alloc(markBytes, marks[stream]);
  const pieces: Buffer[] = [];
  for (let start = 0; start < lines.length; ) {
    const end = lines.indexOf("\n", start);
    const next = end === -1 ? lines.length : end + 1;
    pieces.push(mark, lines.subarray(start, next));
    start = next;
  }
  return Buffer.concat(pieces);
}
