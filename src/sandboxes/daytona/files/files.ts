// Reads, writes, lists, moves and deletes files of the sandbox.

import { type FileInfo, SandboxError } from "../../../agent/sandbox.ts";
import type { FileListing } from "../../../agent/workspace.ts";
import { type Folders, isWithin, parentOf, resolvePath } from "../../paths.ts";
import { DaytonaFailure, readFailure, toSandboxError } from "../client/failure.ts";
import type { SdkSandbox } from "../client/sdk.ts";
import { DaytonaChanges } from "./changes.ts";
import { listByDaemon } from "./daemon-lists.ts";
import { readBytes } from "./json-stream.ts";
import { listByScript } from "./listing.ts";
import { explainUploadRefusal, isForbidden, nameBeside, PLACE_MS, PUT_IN_PLACE, readPlacing } from "./placement.ts";
import type { FilePorts } from "./ports.ts";
import { refuseProviderFolder } from "./provider-folder.ts";
import { runScript } from "./scripts.ts";

/** Enough for tens of megabytes on a slow connection. */
const TRANSFER_MS = 120_000;

/** To see deeper levels, a caller lists one of the folders. */
const MAX_DEPTH = 20;

interface Details {
  isDir: boolean;
  size: number;
  /** As Go spells it: letters for what it is, then nine for its permissions. */
  mode?: string;
}

export class DaytonaFiles {
  readonly #ports: FilePorts;
  readonly #changes: DaytonaChanges;
  /** Read once per sandbox: a new one may have another image with other folders. */
  #folders: { sandbox: string; folders: Folders } | null = null;

  constructor(ports: FilePorts) {
    this.#ports = ports;
    this.#changes = new DaytonaChanges(ports);
  }

  async resolve(
    path: string,
    signal: AbortSignal,
    { takesAnyName = false } = {},
  ): Promise<{ absolute: string; folders: Folders }> {
    const folders = await this.#ports.connection.call((sandbox) => this.#readFolders(sandbox), signal);
    const absolute = resolvePath(path, folders, { takesAnyName });
    refuseProviderFolder(path, absolute, folders);
    return { absolute, folders };
  }

  /** Resolves the path of an existing file, whose name may be one that uploads can't write. */
  #resolveExisting(path: string, signal: AbortSignal): Promise<{ absolute: string; folders: Folders }> {
    return this.resolve(path, signal, { takesAnyName: true });
  }

  async #readFolders(sandbox: SdkSandbox): Promise<Folders> {
    if (this.#folders?.sandbox === sandbox.id) return this.#folders.folders;
    const [work, home] = await Promise.all([sandbox.getWorkDir(), sandbox.getUserHomeDir()]);
    if (!work?.startsWith("/")) throw new SandboxError("failed", "The sandbox does not say where its work dir is.");
    const folders = { work: work.replace(/(?<=^\/|[^/])\/+$/, ""), home: home?.startsWith("/") ? home : work };
    this.#folders = { sandbox: sandbox.id, folders };
    return folders;
  }

  async write(path: string, content: Uint8Array, signal: AbortSignal): Promise<void> {
    const { limits } = this.#ports;
    if (content.length > limits.write_bytes) {
      throw new SandboxError(
        "too_large",
        `${path}: ${content.length} bytes are more than the ${limits.write_bytes} that can be written.`,
      );
    }
    const { absolute, folders } = await this.resolve(path, signal);
    if (absolute === folders.work || path.endsWith("/"))
      throw new SandboxError("invalid", `${path || "."} is a folder, not a file.`);
    const beside = nameBeside(absolute);
    let isPlaced = false;
    try {
      isPlaced = await this.#writeBeside({ path, absolute, beside }, content, signal);
    } finally {
      if (!isPlaced) await this.#removeUpload(beside);
    }
    // A folder that takes no other file, or a sandbox that runs no scripts: only the file itself can be written.
    if (!isPlaced) await this.#writeInPlace(path, absolute, content, signal);
  }

  /** False if the file can only be written in place. */
  async #writeBeside(
    { path, absolute, beside }: { path: string; absolute: string; beside: string },
    content: Uint8Array,
    signal: AbortSignal,
  ): Promise<boolean> {
    const { connection, toolbox } = this.#ports;
    let attempts = 0;
    try {
      await connection.call((sandbox) => this.#send(sandbox, beside, content, signal), signal);
      const { output } = await connection.call((sandbox) => {
        const values = [beside, absolute, String(content.length), attempts++ > 0 ? "again" : ""];
        return runScript(toolbox, sandbox, { text: PUT_IN_PLACE, values, timeout_ms: PLACE_MS }, signal);
      }, signal);
      return readPlacing(path, output, content.length) !== null;
    } catch (error) {
      signal.throwIfAborted();
      if (error instanceof SandboxError) throw error;
      const failure = readFailure(error);
      if (failure.status === 403 || (attempts === 0 && isForbidden(failure))) return false;
      throw explainUploadRefusal(path, failure);
    }
  }

  async #writeInPlace(path: string, absolute: string, content: Uint8Array, signal: AbortSignal): Promise<void> {
    const { connection } = this.#ports;
    await this.#explain(path, signal, () =>
      connection.call((sandbox) => this.#send(sandbox, absolute, content, signal), signal),
    );
    const written = await this.#findDetails(absolute, signal);
    if (written?.size === content.length && !written.isDir) return;
    throw new SandboxError(
      "failed",
      `${path}: the file was not written as a whole (${written?.size ?? 0} of ${content.length} bytes).`,
    );
  }

  #send(sandbox: SdkSandbox, target: string, content: Uint8Array, signal: AbortSignal): Promise<unknown> {
    const { toolbox, limits } = this.#ports;
    const body = new FormData();
    // The path must precede the file, since the daemon writes the file while it arrives.
    body.append("files[0].path", target);
    body.append("files[0].file", new Blob([content as Uint8Array<ArrayBuffer>]), "file");
    const request = { method: "POST" as const, path: "/files/bulk-upload", body, signal, timeout_ms: TRANSFER_MS };
    return toolbox.ask(sandbox, request, (response) => readBytes(response, limits.read_bytes));
  }

  /** Works also after the caller has left, and never rejects, so that the caller sees the original result. */
  async #removeUpload(path: string): Promise<void> {
    const { signal } = new AbortController();
    const options = { opens: false };
    await this.#ports.connection.call(({ fs }) => fs.deleteFile(path, false), signal, options).catch(() => undefined);
  }

  async read(path: string, signal: AbortSignal): Promise<Uint8Array> {
    const { connection, toolbox, limits } = this.#ports;
    const { absolute } = await this.#resolveExisting(path, signal);
    const tooLarge = (size: string) =>
      new SandboxError(
        "too_large",
        `${path}: ${size} bytes are more than the ${limits.read_bytes} that can be read. Use a command to read a part of it.`,
      );
    const { isDir, size, mode } = await this.#requireDetails(path, absolute, signal);
    if (isDir) throw new SandboxError("invalid", `${path || "."} is a folder, not a file.`);
    // The daemon waits for ever for somebody to write into a pipe.
    if (/[LDpSc?]/.test(mode?.slice(0, -9) ?? "")) throw new SandboxError("invalid", `${path} is no regular file.`);
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
    if (await this.#explain(path, signal, () => this.#changes.delete(path, absolute, recursive, signal))) return;
    const { isDir } = await this.#requireDetails(path, absolute, signal);
    if (isDir && !recursive)
      throw new SandboxError("invalid", `${path} is a folder. Delete it recursively, or delete the files in it.`);
    await this.#explain(path, signal, () =>
      this.#ports.connection.call(({ fs }) => fs.deleteFile(absolute, recursive), signal),
    );
  }

  async move(from: string, to: string, signal: AbortSignal): Promise<void> {
    const { connection } = this.#ports;
    const source = await this.#resolveExisting(from, signal);
    const target = await this.resolve(to, signal);
    if (isWithin(source.folders.work, source.absolute))
      throw new SandboxError("refused", `${from || "."} holds the work dir and is not moved.`);
    if (isWithin(target.absolute, source.absolute))
      throw new SandboxError("invalid", `${from} can't be moved to ${to}: that is the same place, or within it.`);
    const paths = { from: source.absolute, to: target.absolute };
    if (await this.#explain(to, signal, () => this.#changes.move(from, to, paths, signal))) return;
    await this.#requireDetails(from, source.absolute, signal);
    const existing = await this.#findDetails(target.absolute, signal);
    if (existing) throw new SandboxError("invalid", `${to} exists already.`);
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
    const { connection, toolbox, limits } = this.#ports;
    const { absolute, folders } = await this.#resolveExisting(path, signal);
    const levels = Math.min(Math.max(1, Math.floor(depth)), MAX_DEPTH);
    const listed = { asked: path, absolute, folders, levels, max: limits.entries };
    const found = await this.#explain(path, signal, () =>
      connection.call((sandbox) => listByScript({ toolbox, sandbox }, listed, signal).catch(acceptRefusal), signal),
    );
    if (found !== null) return found;
    const { isDir } = await this.#requireDetails(path, absolute, signal);
    if (!isDir) throw new SandboxError("invalid", `${path} is a file, not a folder.`);
    return this.#explain(path, signal, () => listByDaemon(this.#ports, listed, signal));
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
      const failure = readFailure(error);
      // If a part of the path is a file, the daemon reports a bad request, without a word.
      if (failure.status === 404 || failure.status === 400) return null;
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

/** A sandbox that takes files and runs no scripts. */
function acceptRefusal(error: unknown): null {
  if (error instanceof DaytonaFailure && error.status === 403) return null;
  throw error;
}
