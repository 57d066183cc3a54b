// Reads, writes, lists, moves and deletes files of the sandbox.

import { type FileInfo, SandboxError } from "../../../agent/sandbox.ts";
import type { FileListing } from "../../../agent/workspace.ts";
import { BULKY_FOLDERS, type Folders, isWithin, parentOf, resolvePath, showPath } from "../../paths.ts";
import type { DaytonaConnection } from "../client/connection.ts";
import { type DaytonaFailure, readFailure, toSandboxError } from "../client/failure.ts";
import type { DaytonaLimits } from "../client/limits.ts";
import type { SdkSandbox } from "../client/sdk.ts";
import type { Toolbox } from "../client/toolbox.ts";
import { readBytes } from "./json-stream.ts";

/** Enough for tens of megabytes on a slow connection. */
const TRANSFER_MS = 120_000;

/** To see deeper levels, a caller lists one of the folders. */
const MAX_DEPTH = 20;

/** About 50,000 entries. A folder may contain millions, and a Durable Object has 128 MB for everything. */
const LISTING_BYTES = 16 * 1024 * 1024;

/** How many folders one listing reads, and how many at a time. */
const MAX_FOLDERS = 200;
const FOLDERS_AT_ONCE = 6;

export interface FilePorts {
  connection: DaytonaConnection;
  toolbox: Toolbox;
  limits: DaytonaLimits;
}

interface Details {
  isDir: boolean;
  size: number;
}

export class DaytonaFiles {
  readonly #ports: FilePorts;
  /** Read once per sandbox: a new one may have another image with other folders. */
  #folders: { sandbox: string; folders: Folders } | null = null;

  constructor(ports: FilePorts) {
    this.#ports = ports;
  }

  async resolve(
    path: string,
    signal: AbortSignal,
    { takesAnyName = false } = {},
  ): Promise<{ absolute: string; folders: Folders }> {
    const folders = await this.#ports.connection.call((sandbox) => this.#readFolders(sandbox), signal);
    return { absolute: resolvePath(path, folders, { takesAnyName }), folders };
  }

  /** Resolves the path of an existing file, whose name may be one that uploads can't write. */
  #resolveExisting(path: string, signal: AbortSignal): Promise<{ absolute: string; folders: Folders }> {
    return this.resolve(path, signal, { takesAnyName: true });
  }

  async #readFolders(sandbox: SdkSandbox): Promise<Folders> {
    if (this.#folders?.sandbox === sandbox.id) return this.#folders.folders;
    const [work, home] = await Promise.all([sandbox.getWorkDir(), sandbox.getUserHomeDir()]);
    if (!work?.startsWith("/")) throw new SandboxError("failed", "The sandbox does not say where its work dir is.");
    const folders = { work: work.replace(/(?<=.)\/+$/, ""), home: home?.startsWith("/") ? home : work };
    this.#folders = { sandbox: sandbox.id, folders };
    return folders;
  }

  async write(path: string, content: Uint8Array, signal: AbortSignal): Promise<void> {
    const { connection, toolbox, limits } = this.#ports;
    if (content.length > limits.write_bytes) {
      throw new SandboxError(
        "too_large",
        `${path}: ${content.length} bytes are more than the ${limits.write_bytes} that can be written.`,
      );
    }
    const { absolute, folders } = await this.resolve(path, signal);
    if (absolute === folders.work || path.endsWith("/"))
      throw new SandboxError("invalid", `${path || "."} is a folder, not a file.`);
    await this.#explain(path, signal, () =>
      connection.call((sandbox) => {
        const body = new FormData();
        // The path must precede the file, since the daemon writes the file while it arrives.
        body.append("files[0].path", absolute);
        body.append("files[0].file", new Blob([content as Uint8Array<ArrayBuffer>]), "file");
        const request = { method: "POST" as const, path: "/files/bulk-upload", body, signal, timeout_ms: TRANSFER_MS };
        return toolbox.ask(sandbox, request, (response) => readBytes(response, limits.read_bytes));
      }, signal),
    );
    const written = await this.#findDetails(absolute, signal);
    if (written?.size === content.length && !written.isDir) return;
    throw new SandboxError(
      "failed",
      `${path}: the file was not written as a whole (${written?.size ?? 0} of ${content.length} bytes).`,
    );
  }

  async read(path: string, signal: AbortSignal): Promise<Uint8Array> {
    const { connection, toolbox, limits } = this.#ports;
    const { absolute } = await this.#resolveExisting(path, signal);
    const tooLarge = (size: string) =>
      new SandboxError(
        "too_large",
        `${path}: ${size} bytes are more than the ${limits.read_bytes} that can be read. Use a command to read a part of it.`,
      );
    const { isDir, size } = await this.#requireDetails(path, absolute, signal);
    if (isDir) throw new SandboxError("invalid", `${path || "."} is a folder, not a file.`);
    if (size > limits.read_bytes) throw tooLarge(String(size));
    const bytes = await this.#explain(path, signal, () =>
      connection.call((sandbox) => {
        const request = { path: "/files/download", query: { path: absolute }, signal, timeout_ms: TRANSFER_MS };
        return toolbox.ask(sandbox, request, (response) => readBytes(response, limits.read_bytes));
      }, signal),
    );
    // The size of a device or a growing file is not reliable.
    if (bytes === null) throw tooLarge(`over ${limits.read_bytes}`);
    return bytes;
  }

  async delete(path: string, recursive: boolean, signal: AbortSignal): Promise<void> {
    const { absolute, folders } = await this.#resolveExisting(path, signal);
    if (isWithin(folders.work, absolute) || isWithin(folders.home, absolute)) {
      throw new SandboxError("refused", `${path || "."} holds the work dir or the home folder and is not deleted.`);
    }
    const { isDir } = await this.#requireDetails(path, absolute, signal);
    if (isDir && !recursive)
      throw new SandboxError("invalid", `${path} is a folder. Delete it recursively, or delete the files in it.`);
    await this.#explain(path, signal, async () => {
      let attempts = 0;
      await this.#ports.connection.call(async ({ fs }) => {
        attempts++;
        await fs.deleteFile(absolute, recursive).catch((error: unknown) => {
          // A retry may find the file already deleted by the previous attempt.
          if (attempts === 1 || readFailure(error).status !== 404) throw error;
        });
      }, signal);
    });
  }

  async move(from: string, to: string, signal: AbortSignal): Promise<void> {
    const { connection } = this.#ports;
    const source = await this.#resolveExisting(from, signal);
    const target = await this.resolve(to, signal);
    if (isWithin(source.folders.work, source.absolute))
      throw new SandboxError("refused", `${from || "."} holds the work dir and is not moved.`);
    await this.#requireDetails(from, source.absolute, signal);
    if (isWithin(target.absolute, source.absolute))
      throw new SandboxError("invalid", `${from} can't be moved to ${to}: that is the same place, or within it.`);
    const existing = await this.#findDetails(target.absolute, signal);
    if (existing) {
      const advice = existing.isDir
        ? "Name the file's new place in that folder."
        : "Delete it first, or take another name.";
      throw new SandboxError("invalid", `${to} exists already. ${advice}`);
    }
    await this.#explain(to, signal, async () => {
      const parent = parentOf(target.absolute);
      if (!(await this.#findDetails(parent, signal)))
        await connection.call(({ fs }) => fs.createFolder(parent, "755"), signal);
      await connection.call(({ fs }) => fs.moveFiles(source.absolute, target.absolute), signal, {
        is_repeatable: false,
      });
    });
  }

  async list(path: string, depth: number, signal: AbortSignal): Promise<FileInfo[]> {
    return (await this.listUpTo(path, depth, signal)).entries;
  }

  async listUpTo(path: string, depth: number, signal: AbortSignal): Promise<FileListing> {
    const { limits } = this.#ports;
    const { absolute, folders } = await this.#resolveExisting(path, signal);
    const levels = Math.min(Math.max(1, Math.floor(depth)), MAX_DEPTH);
    const found: FileInfo[] = [];
    let level = [absolute];
    let asked = 0;
    let is_cut = false;
    // Goes level by level, so that a limit cuts off the deepest entries.
    for (let depthNow = 1; depthNow <= levels && level.length > 0; depthNow++) {
      const next: string[] = [];
      for (let start = 0; start < level.length; start += FOLDERS_AT_ONCE) {
        if (asked >= MAX_FOLDERS || found.length >= limits.entries) {
          is_cut = true;
          break;
        }
        const batch = level.slice(start, start + FOLDERS_AT_ONCE);
        asked += batch.length;
        const lists = await Promise.all(
          batch.map((folder) => this.#listFolder(folder, folder === absolute ? path : null, signal)),
        );
        for (const entry of lists.flat()) {
          if (found.length >= limits.entries) {
            is_cut = true;
            break;
          }
          found.push({ ...entry, path: showPath(entry.path, folders) });
          if (entry.is_dir && !BULKY_FOLDERS.has(baseOf(entry.path))) next.push(entry.path);
        }
      }
      level = next;
    }
    return { entries: found.sort((one, other) => (one.path < other.path ? -1 : 1)), is_cut };
  }

  /** `asked` is the path as the caller gave it; null for a folder below it, which may have been deleted meanwhile. */
  async #listFolder(folder: string, asked: string | null, signal: AbortSignal): Promise<FileInfo[]> {
    const { connection, toolbox, limits } = this.#ports;
    if (asked !== null) {
      const { isDir } = await this.#requireDetails(asked, folder, signal);
      if (!isDir) throw new SandboxError("invalid", `${asked} is a file, not a folder.`);
    }
    try {
      const request = { path: "/files", query: { path: folder }, signal, timeout_ms: limits.request_ms };
      const bytes = await connection.call(
        (sandbox) => toolbox.ask(sandbox, request, (response) => readBytes(response, LISTING_BYTES)),
        signal,
      );
      if (bytes === null)
        throw new SandboxError("too_large", `${asked || folder} holds too many files to be listed. Use a command.`);
      const entries = JSON.parse(new TextDecoder().decode(bytes)) as Awaited<
        ReturnType<SdkSandbox["fs"]["getFileDetails"]>
      >[];
      return entries.map((entry) => ({
        path: folder === "/" ? `/${entry.name}` : `${folder}/${entry.name}`,
        size: entry.isDir ? 0 : entry.size,
        is_dir: entry.isDir,
        modified_at: readTime(entry.modifiedAt ?? entry.modTime),
      }));
    } catch (error) {
      signal.throwIfAborted();
      if (error instanceof SandboxError) throw error;
      if (asked === null) return [];
      throw toSandboxError(readFailure(error), asked || ".");
    }
  }

  async #requireDetails(path: string, absolute: string, signal: AbortSignal): Promise<Details> {
    const details = await this.#findDetails(absolute, signal);
    if (details) return details;
    throw new SandboxError("not_found", `${path || "."} does not exist.`);
  }

  async #findDetails(absolute: string, signal: AbortSignal): Promise<Details | null> {
    try {
      return await this.#ports.connection.call(({ fs }) => fs.getFileDetails(absolute), signal);
    } catch (error) {
      signal.throwIfAborted();
      if (error instanceof SandboxError) throw error;
      const failure: DaytonaFailure = readFailure(error);
      // If a part of the path is a file, the daemon reports a bad request.
      if (failure.status === 404 || /not a directory|ENOTDIR/i.test(failure.message)) return null;
      throw toSandboxError(failure, absolute);
    }
  }

  async #explain<Value>(path: string, signal: AbortSignal, work: () => Promise<Value>): Promise<Value> {
    try {
      return await work();
    } catch (error) {
      signal.throwIfAborted();
      throw error instanceof SandboxError ? error : toSandboxError(readFailure(error), path);
    }
  }
}

function baseOf(path: string): string {
  return path.slice(path.lastIndexOf("/") + 1);
}

/** Older daemons write times in Go's own format, which no date parser accepts; its beginning is enough. */
function readTime(text: string): string {
  const time = Date.parse(text);
  const form = /^(\d{4}-\d\d-\d\d) (\d\d:\d\d:\d\d)(?:\.\d+)? ([+-]\d\d)(\d\d)/.exec(text);
  const known = Number.isNaN(time) && form ? Date.parse(`${form[1]}T${form[2]}${form[3]}:${form[4]}`) : time;
  return new Date(Number.isNaN(known) ? 0 : known).toISOString();
}
