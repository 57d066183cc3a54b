// The file system of a sandbox in memory: maps absolute paths to bytes, and keeps empty folders.

import { fitsName } from "../../src/agent/globs.ts";
import { type FileInfo, type FileMatch, type FileSearch, SandboxError } from "../../src/agent/sandbox.ts";
import { readGlob } from "../../src/sandboxes/glob.ts";
import { isInBulkyFolder, isWithin, parentOf, resolvePath, showPath } from "../../src/sandboxes/paths.ts";

const folders = { work: "/work", home: "/root" };

/** The most that one tool call can hold. */
const MAX_READ_BYTES = 10 * 1024 * 1024;
/** The limit for all files together: an isolate has 128 MB for everything. */
const MAX_BYTES = 32 * 1024 * 1024;
const MAX_ENTRIES = 1_000;
const MAX_LINE_CHARACTERS = 500;

interface Entry {
  /** Null for a folder. */
  content: Uint8Array | null;
  modified_at: string;
}

export class MemoryFiles {
  readonly #entries = new Map<string, Entry>();
  #bytes = 0;

  constructor() {
    for (const folder of ["/", "/work", "/root", "/tmp"]) this.#put(folder, null);
  }

  resolve(path: string): string {
    return resolvePath(path, folders);
  }

  write(path: string, content: Uint8Array): void {
    const absolute = this.resolve(path);
    const former = this.#entries.get(absolute);
    if (former?.content === null || path.endsWith("/")) throw invalid(`${path || "."} is a folder, not a file.`);
    this.#makeFolders(path, parentOf(absolute));
    const bytes = this.#bytes - (former?.content?.length ?? 0) + content.length;
    if (bytes > MAX_BYTES)
      throw new SandboxError("too_large", `${path}: the sandbox's files have ${MAX_BYTES} bytes at most.`);
    this.#bytes = bytes;
    this.#put(absolute, content.slice());
  }

  read(path: string): Uint8Array {
    const { content } = this.#require(path, "file");
    if (content === null) throw invalid(`${path || "."} is a folder, not a file.`);
    if (content.length > MAX_READ_BYTES)
      throw new SandboxError("too_large", `${path} is larger than ${MAX_READ_BYTES} bytes.`);
    return content.slice();
  }

  describe(path: string): FileInfo {
    return describe(this.resolve(path), this.#require(path, "file"));
  }

  has(path: string): boolean {
    return this.#entries.has(this.resolve(path));
  }

  delete(path: string, recursive: boolean): void {
    const absolute = this.resolve(path);
    refuseWorkOrHome(path, absolute);
    const { content } = this.#require(path, "file");
    if (content === null && !recursive) throw invalid(`${path} is a folder. Delete it recursively.`);
    for (const [name, entry] of this.#below(absolute)) this.#remove(name, entry);
  }

  move(from: string, to: string): void {
    const [source, target] = [this.resolve(from), this.resolve(to)];
    refuseWorkOrHome(from, source);
    this.#require(from, "file");
    if (isWithin(target, source))
      throw invalid(`${from} can't be moved to ${to}: that is the same place, or within it.`);
    if (this.#entries.has(target)) throw invalid(`${to} exists already.`);
    this.#makeFolders(to, parentOf(target));
    for (const [name, entry] of this.#below(source)) {
      this.#entries.delete(name);
      this.#entries.set(target + name.slice(source.length), entry);
    }
  }

  /** All entries, without a limit, so that the caller can tell whether it shows them all. */
  list(path: string, depth: number): FileInfo[] {
    const absolute = this.resolve(path);
    if (this.#require(path, "folder").content !== null) throw invalid(`${path} is a file, not a folder.`);
    return this.#below(absolute)
      .map(([name, entry]) => ({ rest: restOf(name, absolute), info: describe(name, entry) }))
      .filter(({ rest }) => rest !== "" && rest.split("/").length <= depth && !isInBulkyFolder(rest))
      .map(({ info }) => info)
      .sort((one, other) => (one.path < other.path ? -1 : 1));
  }

  find(path: string, glob: string): string[] {
    const { base, fitsFolders } = readGlob(glob);
    return this.#filesBelow(path)
      .filter(({ rest }) => fitsFolders(rest) && fitsName(base, rest.slice(rest.lastIndexOf("/") + 1)))
      .map(({ shown }) => shown)
      .sort()
      .slice(0, MAX_ENTRIES);
  }

  /** Plain text only: nothing could end an expression of this process that takes for ever. */
  search({ path, pattern, is_expression, ignore_case, glob }: FileSearch): FileMatch[] {
    if (is_expression) throw invalid("This sandbox searches for plain text only.");
    if (pattern === "" || /[\n\0]/.test(pattern)) throw invalid("Search for a text within one line.");
    const { base, fitsFolders } = readGlob(glob ?? "*");
    const fits = (file: string) => fitsFolders(file) && fitsName(base, file.slice(file.lastIndexOf("/") + 1));
    const fold = (text: string) => (ignore_case ? text.toLowerCase() : text);
    const wanted = fold(pattern);
    const files = this.#filesBelow(path).filter(({ rest }) => fits(rest));
    const matches = files.flatMap(({ shown, content }) =>
      new TextDecoder("utf-8", { ignoreBOM: true, fatal: false })
        .decode(content)
        .split("\n")
        .flatMap((line, index) =>
          fold(line).includes(wanted)
            ? [{ path: shown, line: index + 1, text: line.slice(0, MAX_LINE_CHARACTERS) }]
            : [],
        ),
    );
    return matches.slice(0, MAX_ENTRIES);
  }

  /** The files that a search covers. */
  #filesBelow(path: string): { rest: string; shown: string; content: Uint8Array }[] {
    const absolute = this.resolve(path);
    this.#require(path, "folder");
    return this.#below(absolute).flatMap(([name, { content }]) => {
      const rest = restOf(name, absolute);
      return content === null || isInBulkyFolder(rest) ? [] : [{ rest, shown: showPath(name, folders), content }];
    });
  }

  /** The entry itself and everything inside it. */
  #below(absolute: string): [string, Entry][] {
    return [...this.#entries].filter(([name]) => isWithin(name, absolute));
  }

  #require(path: string, what: "file" | "folder"): Entry {
    const entry = this.#entries.get(this.resolve(path));
    if (entry) return entry;
    throw new SandboxError("not_found", `There is no ${what} ${path || "."}.`);
  }

  #makeFolders(path: string, folder: string): void {
    const entry = this.#entries.get(folder);
    if (entry?.content === null) return;
    if (entry) throw invalid(`${path}: ${showPath(folder, folders)} is a file.`);
    this.#makeFolders(path, parentOf(folder));
    this.#put(folder, null);
  }

  #put(absolute: string, content: Uint8Array | null): void {
    this.#entries.set(absolute, { content, modified_at: new Date().toISOString() });
  }

  #remove(name: string, { content }: Entry): void {
    this.#bytes -= content?.length ?? 0;
    this.#entries.delete(name);
  }
}

function describe(absolute: string, { content, modified_at }: Entry): FileInfo {
  return { path: showPath(absolute, folders), size: content?.length ?? 0, is_dir: content === null, modified_at };
}

function restOf(name: string, folder: string): string {
  return name === folder ? "" : name.slice(folder === "/" ? 1 : folder.length + 1);
}

function refuseWorkOrHome(path: string, absolute: string): void {
  if (!isWithin(folders.work, absolute) && !isWithin(folders.home, absolute)) return;
  throw new SandboxError("refused", `${path || "."} holds the work dir or the home folder.`);
}

function invalid(message: string): SandboxError {
  return new SandboxError("invalid", message);
}
