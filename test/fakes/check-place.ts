// A place for checks in memory: files by name, and commands whose deeds a test gives. It refuses what the real one
// refuses: an id starts one command for good, a port takes one program, a tree is remembered by its list.
import { createHash } from "node:crypto";
import type {
  CheckCommand,
  CheckPlace,
  CheckRequest,
  CommandSeen,
  Committed,
  FileSeen,
  GitSeen,
  Matches,
  ResponseSeen,
  Tree,
} from "../../src/agent/checks/place.ts";
import { readPattern } from "../../src/agent/checks/protected-pattern.ts";
import { SandboxError } from "../../src/agent/sandbox.ts";

export interface Deed {
  exit_code?: number;
  output?: string;
  /** Files that it writes; null removes one. */
  writes?: Record<string, string | null>;
  /** It continues until its limit, or until it is ended. */
  hangs?: boolean;
  /** What a program on a port answers, by path. */
  serves?: Record<string, { status?: number; body?: string }>;
}

interface Running {
  request: CheckCommand & { port?: number };
  deed: Deed;
  seen: Promise<CommandSeen>;
  end(exit_code: number | null): void;
}

const HALF = 32 * 1024;
const shell127: Deed = { exit_code: 127, output: "not found\n" };

export class MemoryCheckPlace implements CheckPlace {
  /** Stands for when the files were last written. */
  moment = "before";
  readonly files = new Map<string, string>();
  /** By command. */
  readonly deeds = new Map<string, Deed>();
  /** What was started, in order. */
  readonly started: string[] = [];
  /** All calls, in order. */
  readonly calls: string[] = [];
  git: GitSeen = { branch: "main", commit: "0".repeat(40), changed: [], unpushed: 0 };
  /** The project's, with the files of the commit that was cloned; null: it has none. */
  checkout: { folder: string; commit: string | null; files: Record<string, string> } | null = null;
  /** Thrown by all methods: the sandbox is gone. */
  broken: SandboxError | null = null;
  /** Called before each method does anything. */
  onCall: (name: string, signal: AbortSignal) => Promise<void> = async () => {};
  /** Waits for the limit of what hangs; a test gives its clock. */
  awaitLimit: (ms: number) => Promise<void> = () => new Promise(() => {});
  readonly #commands = new Map<string, Running>();
  readonly #ended = new Set<string>();
  readonly #trees = new Map<string, Map<string, string>>();

  /** Ids of what runs. */
  get running(): string[] {
    return [...this.#commands].flatMap(([id, { deed }]) => (deed.hangs && !this.#ended.has(id) ? [id] : []));
  }

  async #enter(name: string, signal: AbortSignal): Promise<void> {
    signal.throwIfAborted();
    this.calls.push(name);
    await race(this.onCall(name, signal), signal);
    if (this.broken) throw this.broken;
  }

  async readTree(signal: AbortSignal): Promise<Tree> {
    await this.#enter("readTree", signal);
    const hash = hashOf(JSON.stringify([...this.files].sort()));
    this.#trees.set(hash, new Map(this.files));
    return { hash, mark: hash };
  }

  async listChanges(since: Tree, signal: AbortSignal): Promise<string[]> {
    await this.#enter("listChanges", signal);
    const former = this.#trees.get(since.mark);
    if (former === undefined) throw new SandboxError("failed", "The former list of files is gone.");
    const names = new Set([...former.keys(), ...this.files.keys()]);
    return [...names]
      .filter((name) => former.get(name) !== this.files.get(name))
      .sort()
      .slice(0, 20);
  }

  async runCommand(command: CheckCommand, signal: AbortSignal): Promise<CommandSeen> {
    await this.#enter(`run ${command.run}`, signal);
    const { seen } = this.#start(command);
    return race(seen, signal);
  }

  async startProgram(command: CheckCommand & { port: number }, signal: AbortSignal): Promise<void> {
    await this.#enter(`start ${command.run}`, signal);
    if (!this.#commands.has(command.command_id) && this.#findServer(command.port))
      throw new SandboxError("not_found", `Another program already listens on port ${command.port}.`);
    const running = this.#start(command);
    if (running.deed.serves !== undefined) return;
    if (running.deed.hangs) await race(this.awaitLimit(command.time_limit_ms), signal);
    const how = running.deed.hangs ? "does not listen" : "exited before it listened";
    throw new SandboxError("not_found", `The program ${how} on port ${command.port}. ${running.deed.output ?? ""}`);
  }

  #start(request: CheckCommand & { port?: number }): Running {
    const found = this.#commands.get(request.command_id);
    if (found) return found;
    if (this.#ended.has(request.command_id)) throw new SandboxError("failed", "It has no result.");
    const deed = this.deeds.get(request.run) ?? shell127;
    this.started.push(request.run);
    for (const [name, content] of Object.entries(deed.writes ?? {})) {
      if (content === null) this.files.delete(name);
      else this.files.set(name, content);
    }
    let end: Running["end"] = () => {};
    const seen = new Promise<CommandSeen>((resolve) => {
      end = (exit_code) => {
        this.#ended.add(request.command_id);
        resolve(seenOf(deed.output ?? "", exit_code, request.tree ?? null));
      };
    });
    const running = { request, deed, seen, end };
    this.#commands.set(request.command_id, running);
    if (!deed.hangs) end(deed.exit_code ?? 0);
    else if (deed.serves === undefined) void this.awaitLimit(request.time_limit_ms).then(() => end(null));
    return running;
  }

  async endProgram(command_id: string, signal: AbortSignal): Promise<void> {
    await this.#enter("end", signal);
    this.#commands.get(command_id)?.end(137);
    this.#ended.add(command_id);
  }

  #findServer(port: number): Running | undefined {
    const servers = [...this.#commands].filter(([id, { deed }]) => deed.serves !== undefined && !this.#ended.has(id));
    return servers.find(([, { request }]) => request.port === port)?.[1];
  }

  async request({ port, path }: CheckRequest, signal: AbortSignal): Promise<ResponseSeen> {
    await this.#enter(`request ${port}${path}`, signal);
    const server = this.#findServer(port);
    if (server === undefined) throw new SandboxError("not_found", `Nothing answers HTTP on port ${port}.`);
    const { status = 200, body = "" } = server.deed.serves?.[path] ?? { status: 404, body: "no such page" };
    return { status, body: body.slice(0, 2 * HALF), body_bytes: Buffer.byteLength(body), body_hash: hashOf(body) };
  }

  async readFile(path: string, signal: AbortSignal): Promise<FileSeen> {
    await this.#enter(`read ${path}`, signal);
    if (path.startsWith("../")) throw new SandboxError("invalid", `${path} leads out of the work dir.`);
    const text = this.files.get(path);
    if (text === undefined) return { hash: null, size: 0, text: null };
    const shown = text.includes("\0") ? null : text.slice(0, 1024 * 1024);
    return { hash: hashOf(text), size: Buffer.byteLength(text), text: shown };
  }

  async hashFiles(paths: string[], signal: AbortSignal): Promise<(string | null)[]> {
    await this.#enter("hash", signal);
    return paths.map((path) => (this.files.has(path) ? hashOf(this.files.get(path) ?? "") : null));
  }

  async hashMatches(
    patterns: string[],
    signal: AbortSignal,
    since: ReadonlyMap<string, string> = new Map(),
  ): Promise<Matches[]> {
    await this.#enter("match", signal);
    const moment = since.size === 0 ? {} : { moment: this.moment };
    return patterns.map((pattern) => ({ ...match(pattern, this.files), ...moment }));
  }

  async hashCommitted(patterns: string[], signal: AbortSignal): Promise<Matches[] | null> {
    if (this.checkout === null) return null;
    await this.#enter("match committed", signal);
    const files = new Map(Object.entries(this.checkout.files));
    return patterns.map((pattern) => match(pattern, files));
  }

  async readCommitted(paths: string[], signal: AbortSignal): Promise<Committed | null> {
    if (this.checkout === null) return null;
    await this.#enter(`committed ${paths.join(" ")}`, signal);
    const { folder, commit, files } = this.checkout;
    const seen = paths.map((path) => {
      const text = files[path];
      const now = this.files.get(`${folder}/${path}`);
      const file = text === undefined ? null : { hash: hashOf(text), size: Buffer.byteLength(text), text };
      return { file, now: now === undefined ? null : hashOf(now) };
    });
    return { folder, commit, files: seen };
  }

  async readGit(_cwd: string | null, signal: AbortSignal): Promise<GitSeen> {
    await this.#enter("git", signal);
    return this.git;
  }
}

function match(pattern: string, files: ReadonlyMap<string, string>): Matches {
  const { base, expression } = readPattern(pattern);
  const own = files.get(base);
  if (own !== undefined) return { hash: expression === "" ? hashOf(own) : null };
  const below = base === "" ? "" : `${base}/`;
  const fits = new RegExp(`^${expression === "" ? ".*" : expression}$`);
  const found = [...files]
    .filter(([name]) => name.startsWith(below) && fits.test(name.slice(below.length)))
    .map(([name, text]) => `${name.slice(below.length)} ${hashOf(text)}`);
  return found.length === 0 ? { hash: null } : { hash: hashOf(found.sort().join("\n")), files: found.length };
}

export function hashOf(text: string): string {
  return createHash("sha256").update(text).digest("hex");
}

function seenOf(output: string, exit_code: number | null, tree: Tree | null): CommandSeen {
  const bytes = Buffer.from(output);
  const is_cut = bytes.length > 2 * HALF;
  return {
    tree,
    exit_code,
    output_head: is_cut ? bytes.subarray(0, HALF).toString() : output,
    output_tail: is_cut ? bytes.subarray(-HALF).toString() : "",
    output_bytes: bytes.length,
    output_hash: hashOf(output),
  };
}

function race<Value>(promise: Promise<Value>, signal: AbortSignal): Promise<Value> {
  return new Promise((resolve, reject) => {
    signal.addEventListener("abort", () => reject(signal.reason), { once: true });
    promise.then(resolve, reject);
  });
}
