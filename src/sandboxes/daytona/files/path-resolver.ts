// Resolves where a path really leads. The HTTP routes for files are limited to the work dir, so a path is checked
// twice: its text here, and its links in the sandbox. The sandbox isolates the files: this check prevents mistakes, and
// need not withstand a program that changes links in the sandbox at the same time.
import { SandboxError } from "../../../agent/sandbox.ts";
import { isWithin, normalizePath, resolvePath, showPath } from "../../paths.ts";
import type { DaytonaFiles } from "./files.ts";
import type { FilePorts } from "./ports.ts";
import { refuseProviderFolder } from "./provider-folder.ts";
import { runScript } from "./scripts.ts";

/** The script makes a handful of look-ups on one disk. */
const RESOLVE_MS = 10_000;

// $1 is the work dir, $2 a path below it or empty, $3 is `follow` to follow a link at the path's end. The script goes
// up to the first existing folder, resolves that with `pwd -P`, and goes down again. A name may contain anything but
// NUL, so the output has an end marker, and an added dot keeps the shell from stripping line feeds.
const RESOLVE = `say() { printf "\\ntaskloom:%s:%s:%s:%s:end\\n" "$1" "$2" "$3" "$4"; exit 0; }
work=$(cd -P -- "$1" && pwd -P) || exit 1
root=\${work%/}
if [ -z "$2" ]; then dir=$work; rest=; else full=$root/$2; dir=\${full%/*}; rest=\${full##*/}; fi
[ -n "$dir" ] || dir=/
while [ ! -d "$dir" ]; do
  if [ -e "$dir" ] || [ -L "$dir" ]; then say blocked; fi
  rest=\${dir##*/}/$rest; dir=\${dir%/*}; [ -n "$dir" ] || dir=/
done
real=$(cd -P -- "$dir" 2>/dev/null && pwd -P && echo .) || say denied
real=\${real%??}
if [ -n "$rest" ]; then real=\${real%/}/$rest; fi
if [ "$3" = follow ] && [ -L "$real" ]; then real=$(readlink -f -- "$real" && echo .) || say blocked; real=\${real%??}; fi
case "\${real%/}/" in "$root/"*) ;; *) say outside ;; esac
below=\${real#"$root"}
if [ -L "$real" ]; then say link "" "" "$below"; fi
if [ -d "$real" ]; then say dir "" "" "$below"; fi
if [ -f "$real" ]; then say file $(stat -c "%s %Y" -- "$real") "$below"; fi
if [ -e "$real" ]; then say other "" "" "$below"; fi
say none "" "" "$below"`;

export type PathKind = "none" | "file" | "dir" | "link" | "other";

export interface ResolvedPath {
  kind: PathKind;
  /** Without links, and below the work dir as the sandbox reports it. */
  absolute: string;
  /** Relative to the work dir; empty for the work dir itself. */
  path: string;
  /** The path as the caller gave it. */
  asked: string;
  size: number;
  modified_at: string;
}

export class DaytonaPathResolver {
  readonly #ports: FilePorts;
  readonly #files: DaytonaFiles;

  constructor(ports: FilePorts, files: DaytonaFiles) {
    this.#ports = ports;
    this.#files = files;
  }

  /**
   * Rejects with `SandboxError` if the path leads out of the work dir, or passes through something other than a folder.
   */
  async find(path: string, signal: AbortSignal, { follows = true, takesAnyName = true } = {}): Promise<ResolvedPath> {
    const { connection, toolbox } = this.#ports;
    const asked = path || ".";
    const { folders } = await this.#files.resolve("", signal);
    const { work } = folders;
    const climbs = !/^[/~]/.test(path) && !isWithin(normalizePath(`${work}/${path}`), work);
    const absolute = climbs ? "" : resolvePath(path, folders, { takesAnyName });
    if (!isWithin(absolute, work)) throw new SandboxError("invalid", `${asked} is not in the work dir ${work}.`);
    const below = absolute === work ? "" : showPath(absolute, folders);
    const values = [work, below, follows ? "follow" : "keep"];
    const script = { text: RESOLVE, values, timeout_ms: RESOLVE_MS };
    const { output } = await connection.call((sandbox) => runScript(toolbox, sandbox, script, signal), signal);
    const answer = output.slice(output.indexOf("\ntaskloom:") + 1);
    const parts = /(?<![\s\S])taskloom:(\w+):(\d*):(\d*):([\s\S]*):end$/m.exec(answer);
    if (!parts) throw new SandboxError("failed", "The sandbox does not say what is in its work dir.");
    const [, kind = "", size, seconds, real = ""] = parts;
    if (kind === "outside")
      throw new SandboxError("refused", `${asked} is a link, or behind one, that leads out of the work dir.`);
    if (kind === "denied") throw new SandboxError("refused", `${asked} is in a folder that can't be entered.`);
    if (kind === "blocked")
      throw new SandboxError("invalid", `A part of ${asked} is a file or a broken link, not a folder.`);
    const relative = real.replace(/^\//, "");
    const found = relative === "" ? work : `${work === "/" ? "" : work}/${relative}`;
    // A link may lead there, and so may a work dir within.
    refuseProviderFolder(asked, found, folders);
    return {
      kind: kind as PathKind,
      absolute: found,
      path: relative,
      asked,
      size: Number(size),
      modified_at: new Date(Number(seconds) * 1000).toISOString(),
    };
  }

  async findFile(path: string, signal: AbortSignal): Promise<ResolvedPath> {
    const place = await this.find(path, signal);
    if (place.kind === "none") throw new SandboxError("not_found", `${place.asked} does not exist.`);
    if (place.kind === "dir") throw new SandboxError("invalid", `${place.asked} is a folder, not a file.`);
    if (place.kind !== "file") throw new SandboxError("invalid", `${place.asked} is no regular file.`);
    return place;
  }

  async findFolder(path: string, signal: AbortSignal): Promise<ResolvedPath> {
    const place = await this.find(path, signal);
    if (place.kind === "none") throw new SandboxError("not_found", `${place.asked} does not exist.`);
    if (place.kind !== "dir") throw new SandboxError("invalid", `${place.asked} is a file, not a folder.`);
    return place;
  }
}
