// Finds files by name and lines by text. Leaves out node_modules and .git, unless the search begins inside them.

import { fitsName } from "../../../agent/globs.ts";
import type { FileMatch, FileSearch, FileSearchResult } from "../../../agent/sandbox.ts";
import { SandboxError } from "../../../agent/sandbox.ts";
import { readGlob } from "../../glob.ts";
import { type Folders, isInBulkyFolder, isWithin, showPath } from "../../paths.ts";
import { readFailure, toSandboxError } from "../client/failure.ts";
import type { DaytonaFiles } from "./files.ts";
import { NoGrep, searchWithGrep } from "./grep.ts";
import { readBytes, readObjects } from "./json-stream.ts";
import type { FilePorts } from "./ports.ts";
import { isHidden } from "./provider-folder.ts";

/** The daemon reads every file below the folder. */
const SEARCH_MS = 60_000;

/** Some 50,000 paths. */
const MAX_ANSWER_BYTES = 8 * 1024 * 1024;

/** Longer matches are skipped: a line of minified code is of no use. */
const MAX_MATCH_CHARACTERS = 256 * 1024;

/** Nobody means a longer one, and it is an argument of a program, three times. */
const MAX_PATTERN_CHARACTERS = 4_000;

/** How much of a matching line is returned. */
const MAX_LINE_CHARACTERS = 500;

export class DaytonaSearch {
  readonly #ports: FilePorts;
  readonly #files: DaytonaFiles;

  constructor(ports: FilePorts, files: DaytonaFiles) {
    this.#ports = ports;
    this.#files = files;
  }

  async findFiles(path: string, glob: string, signal: AbortSignal): Promise<string[]> {
    const { base, fitsFolders } = readGlob(glob);
    const { absolute, folders } = await this.#files.resolve(path, signal);
    const below = (file: string) =>
      isWithin(file, absolute) ? file.slice(absolute === "/" ? 1 : absolute.length + 1) : file;
    // Newer daemons match the whole path. Older ones match the base name, so a pattern with a slash matches nothing.
    let found = await this.#ask(path, absolute, `**/${base}`, signal);
    if (found.length === 0) found = await this.#ask(path, absolute, base, signal);
    return found
      .map((file) => (file.startsWith("/") ? file : `${absolute}/${file}`))
      .filter((file) => !isHidden(file, folders))
      .filter((file) => !isInBulkyFolder(below(file)) && fitsFolders(below(file)))
      .map((file) => showPath(file, folders))
      .sort()
      .slice(0, this.#ports.limits.entries);
  }

  async #ask(path: string, absolute: string, pattern: string, signal: AbortSignal): Promise<string[]> {
    const query = { path: absolute, pattern };
    const bytes = await this.#request(path, "/files/search", query, signal, (response) =>
      readBytes(response, MAX_ANSWER_BYTES),
    );
    if (bytes === null) {
      throw new SandboxError(
        "too_large",
        `Too many files fit ${pattern} below ${path || "."}. Search a smaller folder.`,
      );
    }
    const answer = JSON.parse(new TextDecoder().decode(bytes)) as { files?: unknown } | null;
    return Array.isArray(answer?.files) ? answer.files.filter((file) => typeof file === "string") : [];
  }

  async searchFiles(search: FileSearch, signal: AbortSignal): Promise<FileSearchResult> {
    const { path, pattern } = search;
    if (pattern === "" || /[\n\0]/.test(pattern)) {
      throw new SandboxError("invalid", "Search for a text within one line.");
    }
    if (pattern.length > MAX_PATTERN_CHARACTERS) {
      throw new SandboxError("invalid", `A pattern has at most ${MAX_PATTERN_CHARACTERS} characters.`);
    }
    const { absolute, folders } = await this.#files.resolve(path, signal, { takesAnyName: true });
    const { connection, toolbox, limits } = this.#ports;
    try {
      const { matches, problem } = await this.#explain(path, signal, () =>
        connection.call(
          (sandbox) =>
            searchWithGrep({ toolbox, sandbox }, { ...search, absolute, folders, max: limits.entries }, signal),
          signal,
        ),
      );
      return { matches: matches.map((match) => ({ ...match, path: showPath(match.path, folders) })), problem };
    } catch (error) {
      const isRefused = error instanceof SandboxError && error.code === "refused";
      if (!isRefused && !(error instanceof NoGrep)) throw error;
      if (search.is_expression) throw new SandboxError("invalid", "This sandbox has no grep for expressions.");
      return { matches: await this.#searchByDaemon(search, { absolute, folders }, signal), problem: null };
    }
  }

  /** The daemon's own search, for sandboxes without grep or that refuse scripts. It finds plain text and distinguishes case. */
  async #searchByDaemon(
    { path, pattern, glob }: FileSearch,
    { absolute, folders }: { absolute: string; folders: Folders },
    signal: AbortSignal,
  ): Promise<FileMatch[]> {
    const { limits } = this.#ports;
    const { base, fitsFolders } = readGlob(glob ?? "*");
    return this.#request(path, "/files/find", { path: absolute, pattern }, signal, async (response) => {
      const matches: FileMatch[] = [];
      await readObjects(response, MAX_MATCH_CHARACTERS, (value) => {
        const match = readMatch(value);
        if (!match) return true;
        const file = match.path.startsWith("/") ? match.path : `${absolute}/${match.path}`;
        const below = isWithin(file, absolute) ? file.slice(absolute.length + 1) : file;
        const fits = fitsFolders(below) && fitsName(base, below.slice(below.lastIndexOf("/") + 1));
        if (fits && !isInBulkyFolder(below) && !isHidden(file, folders))
          matches.push({ ...match, path: showPath(file, folders) });
        return matches.length < limits.entries;
      });
      return matches;
    });
  }

  async #request<Value>(
    path: string,
    route: string,
    query: Record<string, string>,
    signal: AbortSignal,
    read: (response: Response) => Promise<Value>,
  ): Promise<Value> {
    const { connection, toolbox } = this.#ports;
    return this.#explain(path, signal, () =>
      connection.call(
        (sandbox) => toolbox.ask(sandbox, { path: route, query, signal, timeout_ms: SEARCH_MS }, read),
        signal,
      ),
    );
  }

  async #explain<Value>(path: string, signal: AbortSignal, work: () => Promise<Value>): Promise<Value> {
    try {
      return await work();
    } catch (error) {
      signal.throwIfAborted();
      if (error instanceof SandboxError || error instanceof NoGrep) throw error;
      throw toSandboxError(readFailure(error), path || ".");
    }
  }
}

function readMatch(value: unknown): FileMatch | null {
  if (typeof value !== "object" || value === null) return null;
  const { file, line, content } = value as Record<string, unknown>;
  if (typeof file !== "string" || typeof line !== "number" || typeof content !== "string") return null;
  return { path: file, line, text: content.slice(0, MAX_LINE_CHARACTERS).toWellFormed() };
}
