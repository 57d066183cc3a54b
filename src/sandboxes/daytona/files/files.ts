// Reads, writes, lists, moves and deletes files of the sandbox. Tools may use all of its files, people those below the
// work dir, wherever links lead.
import { type FileInfo, SandboxError } from "../../../agent/sandbox.ts";
import type { FileListing, FileStream, Upload } from "../../../agent/workspace.ts";
import { type Folders, isWithin, parentOf, resolvePath, showPath } from "../../paths.ts";
import type { SdkSandbox } from "../client/sdk.ts";
import { readBytes } from "./json-stream.ts";
import { listFolder } from "./listing.ts";
import { type Found, lookAt, REMOVED_PREFIX, refuseProviderFolder, UPLOAD_PREFIX } from "./places.ts";
import { askScript, explain, explainStuck, type FilePorts } from "./scripts.ts";
import { openArchive, openFile } from "./streams.ts";
import { putFile, type Source } from "./uploads.ts";

/** Enough for tens of megabytes on a slow connection. */
const TRANSFER_MS = 120_000;

/** A folder of packages has 100,000 files and takes seconds. Another disk may be slow. */
const CHANGE_MS = 300_000;

// The daemon looks at where a link leads: it takes one to a folder for a folder, does not find one that leads nowhere,
// and copies what links lead to when it moves them to another disk. With these scripts, a change that is cut leaves the
// old name or the new one, with all that belongs there.

// $1 is the path, $2 `recursive` or empty, $3 a name of its own. A folder leaves its name first, and is then emptied: a
// run that is cut leaves no half of it. Package managers make folders read-only, which removes nothing. What an
// interrupted life left behind goes too.
const DELETE = `[ -e "$1" ] || [ -L "$1" ] || say missing
if [ ! -d "$1" ] || [ -L "$1" ]; then rm -f -- "$1" && say done; say stuck; fi
[ "$2" = recursive ] || say folder
aside=\${1%/*}/${REMOVED_PREFIX}$3
mv -- "$1" "$aside" 2>/dev/null || aside=$1
rm -rf -- "$aside" 2>/dev/null || { chmod -R u+rwX "$aside" 2>/dev/null; rm -rf -- "$aside"; } || {
  [ "$aside" = "$1" ] || mv -- "$aside" "$1"
  say stuck
}
find "\${1%/*}/" -maxdepth 1 -name '${REMOVED_PREFIX}*' -mmin +60 -exec rm -rf -- {} + 2>/dev/null
say done`;

// $1 is the path, $2 the new one, $3 a name of its own. To another disk it is copied, and gets its name when it is whole.
const MOVE = `[ -e "$1" ] || [ -L "$1" ] || say missing
if [ -e "$2" ] || [ -L "$2" ]; then
  [ -d "$2" ] && say folder
  say taken
fi
parent=\${2%/*}/
mkdir -p -- "$parent" || say stuck
if [ "$(stat -c %d -- "$1")" = "$(stat -c %d -- "$parent")" ]; then mv -- "$1" "$2" && say done; say stuck; fi
beside=$parent${UPLOAD_PREFIX}$3
cp -a -- "$1" "$beside" && mv -- "$beside" "$2" || { rm -rf -- "$beside"; say stuck; }
rm -rf -- "$1"
say done`;

/** `takesAnyName`: also one that uploads can't write. `follows`: a link at the path's end, too. */
interface Options {
  takesAnyName?: boolean;
  follows?: boolean;
}

interface Place {
  asked: string;
  absolute: string;
  folders: Folders;
}

export class DaytonaFiles {
  readonly #ports: FilePorts;
  readonly #isConfined: boolean;
  /** Read once per sandbox: a new one may have another image with other folders. */
  #folders: { sandbox: string; folders: Folders } | null = null;

  constructor(ports: FilePorts, { isConfined = false } = {}) {
    this.#ports = ports;
    this.#isConfined = isConfined;
  }

  /** By its text alone. */
  async resolve(path: string, signal: AbortSignal, { takesAnyName = false }: Options = {}): Promise<Place> {
    const folders = await this.#ports.connection.call((sandbox) => this.#readFolders(sandbox), signal);
    const absolute = resolvePath(path, folders, { takesAnyName });
    const asked = path || ".";
    if (this.#isConfined && !isWithin(absolute, folders.work))
      throw new SandboxError("invalid", `${asked} is not in the work dir ${folders.work}.`);
    refuseProviderFolder(asked, absolute, folders);
    return { asked, absolute, folders };
  }

  async #readFolders(sandbox: SdkSandbox): Promise<Folders> {
    if (this.#folders?.sandbox === sandbox.id) return this.#folders.folders;
    const [work, home] = await Promise.all([sandbox.getWorkDir(), sandbox.getUserHomeDir()]);
    if (!work?.startsWith("/")) throw new SandboxError("failed", "The sandbox does not say where its work dir is.");
    const folders = { work: work.replace(/(?<=^\/|[^/])\/+$/, ""), home: home?.startsWith("/") ? home : work };
    this.#folders = { sandbox: sandbox.id, folders };
    return folders;
  }

  /** What is there. For people the path is the one without links. */
  async #find(path: string, signal: AbortSignal, { takesAnyName = true, follows = true }: Options = {}) {
    const { asked, absolute, folders } = await this.resolve(path, signal, { takesAnyName });
    const root = this.#isConfined ? folders.work : "/";
    const found = await lookAt(this.#ports, { asked, absolute, root, follows }, signal);
    // A link may lead there, and so may a work dir within.
    refuseProviderFolder(asked, found.absolute, folders);
    return { ...found, asked, folders, absolute: this.#isConfined ? found.absolute : absolute };
  }

  /** Looks only where a link must not lead anywhere. */
  #reach(path: string, signal: AbortSignal, options: Options = {}): Promise<Place> {
    return this.#isConfined ? this.#find(path, signal, options) : this.resolve(path, signal, { takesAnyName: true });
  }

  async #findFile(path: string, signal: AbortSignal): Promise<Place & Found> {
    const found = await this.#find(path, signal);
    if (found.kind === "none") throw new SandboxError("not_found", `${found.asked} does not exist.`);
    checkKind(found);
    return found;
  }

  async write(path: string, content: Uint8Array, signal: AbortSignal): Promise<void> {
    const { limits } = this.#ports;
    if (content.length > limits.write_bytes) {
      throw new SandboxError(
        "too_large",
        `${path}: ${content.length} bytes are more than the ${limits.write_bytes} that can be written.`,
      );
    }
    const { asked, absolute, folders } = await this.resolve(path, signal);
    if (absolute === folders.work || path.endsWith("/"))
      throw new SandboxError("invalid", `${asked} is a folder, not a file.`);
    const open = () => new Blob([content as Uint8Array<ArrayBuffer>]).stream();
    const source = { open, limit_bytes: limits.write_bytes, is_once: false };
    try {
      await this.#put({ asked, absolute }, source, signal);
    } catch (error) {
      if (!(error instanceof SandboxError) || error.code !== "refused") throw error;
      // A folder that takes no other file: only the file itself can be written.
      await putFile(this.#ports, { asked, absolute, folder: "/tmp" }, source, signal);
    }
  }

  async upload(path: string, upload: Upload, signal: AbortSignal): Promise<{ file: FileInfo; is_new: boolean }> {
    try {
      if (path.endsWith("/")) throw new SandboxError("invalid", `${path} names a folder, not a file.`);
      const found = await this.#find(path, signal, { takesAnyName: false });
      const { kind, absolute, folders } = found;
      if (kind !== "link") checkKind(found);
      const source = { open: () => upload.content, limit_bytes: upload.limit_bytes, is_once: true };
      const placed = await this.#put(found, source, signal);
      return { file: { path: showPath(absolute, folders), is_dir: false, ...placed }, is_new: kind === "none" };
    } catch (error) {
      if (!upload.content.locked) await upload.content.cancel().catch(() => undefined);
      throw error;
    }
  }

  #put({ asked, absolute }: Pick<Place, "asked" | "absolute">, source: Source, signal: AbortSignal) {
    return putFile(this.#ports, { asked, absolute, folder: parentOf(absolute) }, source, signal);
  }

  async read(path: string, signal: AbortSignal): Promise<Uint8Array> {
    const { connection, toolbox, limits } = this.#ports;
    const { absolute, asked, size } = await this.#findFile(path, signal);
    const tooLarge = (bytes: string) =>
      new SandboxError(
        "too_large",
        `${asked}: ${bytes} bytes are more than the ${limits.read_bytes} that can be read. Use a command to read a part of it.`,
      );
    if (size > limits.read_bytes) throw tooLarge(String(size));
    const request = { path: "/files/download", query: { path: absolute }, signal, timeout_ms: TRANSFER_MS };
    const bytes = await explain(asked, signal, () =>
      connection.call(
        (sandbox) => toolbox.ask(sandbox, request, (response) => readBytes(response, limits.read_bytes)),
        signal,
      ),
    );
    // The size of a growing file is not reliable.
    if (bytes === null) throw tooLarge(`over ${limits.read_bytes}`);
    return bytes;
  }

  async open(path: string, range: string | null, signal: AbortSignal): Promise<FileStream> {
    return openFile(this.#ports, await this.#findFile(path, signal), range, signal);
  }

  async openArchive(path: string, signal: AbortSignal): Promise<FileStream> {
    const found = await this.#find(path, signal);
    if (found.kind === "none") throw new SandboxError("not_found", `${found.asked} does not exist.`);
    if (found.kind !== "dir") throw new SandboxError("invalid", `${found.asked} is a file, not a folder.`);
    return openArchive(this.#ports, found, signal);
  }

  async list(path: string, depth: number, signal: AbortSignal): Promise<FileListing> {
    const { asked, absolute, folders } = await this.#reach(path, signal);
    return listFolder(this.#ports, { asked, absolute, folders, depth }, signal);
  }

  async delete(path: string, recursive: boolean, signal: AbortSignal): Promise<void> {
    const { asked, absolute, folders } = await this.#reach(path, signal, { follows: false });
    if (isWithin(folders.work, absolute) || isWithin(folders.home, absolute))
      throw new SandboxError("refused", `${asked} holds the work dir or the home folder and is not deleted.`);
    const values = [absolute, recursive ? "recursive" : "", crypto.randomUUID()];
    const script = { what: asked, text: DELETE, values, timeout_ms: CHANGE_MS };
    const { word, output, attempts } = await askScript(this.#ports, script, signal);
    // The attempt before may have deleted it.
    if (word === "done" || (word === "missing" && attempts > 1)) return;
    if (word === "missing") throw new SandboxError("not_found", `${asked} does not exist.`);
    if (word === "folder")
      throw new SandboxError("invalid", `${asked} is a folder. Delete it recursively, or delete the files in it.`);
    throw explainStuck(asked, output);
  }

  async move(from: string, to: string, signal: AbortSignal): Promise<void> {
    const source = await this.resolve(from, signal, { takesAnyName: true });
    const target = await this.resolve(to, signal);
    if (isWithin(source.folders.work, source.absolute))
      throw new SandboxError("refused", `${source.asked} holds the work dir and is not moved.`);
    if (isWithin(target.absolute, source.absolute))
      throw new SandboxError("invalid", `${from} can't be moved to ${to}: that is the same place, or within it.`);
    const values = [source.absolute, target.absolute, crypto.randomUUID()];
    const script = { what: to, text: MOVE, values, timeout_ms: CHANGE_MS, options: { is_repeatable: false } };
    const { word, output } = await askScript(this.#ports, script, signal);
    if (word === "done") return;
    if (word === "missing") throw new SandboxError("not_found", `${from} does not exist.`);
    const advice =
      word === "folder" ? "Name the file's new place in that folder." : "Delete it first, or take another name.";
    if (word === "folder" || word === "taken") throw new SandboxError("invalid", `${to} exists already. ${advice}`);
    throw explainStuck(to, output);
  }
}

function checkKind({ kind, asked }: { kind: Found["kind"]; asked: string }): void {
  if (kind === "dir") throw new SandboxError("invalid", `${asked} is a folder, not a file.`);
  if (kind === "other" || kind === "link") throw new SandboxError("invalid", `${asked} is no regular file.`);
}
