// Lists folders with one script for all levels. The daemon's lists leave out a link that leads nowhere, follow links
// into loops, and describe every entry of a folder, however many it has. The script looks at no more than are shown.
import { type FileInfo, SandboxError } from "../../../agent/sandbox.ts";
import type { FileListing } from "../../../agent/workspace.ts";
import { BULKY_FOLDERS, type Folders, showPath } from "../../paths.ts";
import { providerFolderOf, REMOVED_PREFIX, UPLOAD_PREFIX } from "./places.ts";
import { askScript, type FilePorts } from "./scripts.ts";

/** To see deeper levels, a caller lists one of the folders. */
const MAX_DEPTH = 20;

/** A hundred thousand names are read and sorted in a second. */
const LIST_MS = 60_000;

/** A thousand paths of a few hundred characters. What is longer is cut, and the list says so. */
const OUTPUT_BYTES = 4 * 1024 * 1024;
/** JSON writes a control character as six bytes. */
const ANSWER_BYTES = 2 * OUTPUT_BYTES + 64 * 1024;

const BULKY = [...BULKY_FOLDERS].map((name) => `-name '${name}'`).join(" -o ");

// $1 is the folder, $2 how many levels, $3 how many entries, $4 Daytona's own folder. Goes level by level, so that the
// limit cuts off the deepest entries: each pass passes the levels above too, which are few, and keeps the last. Names
// may hold line feeds, so these change places with NUL for programs that work by lines. Each entry is \036, its mode in
// hexadecimal, size, time and path; those that begin with L describe where a link leads.
const SCRIPT = `LC_ALL=C; export LC_ALL
[ -e "$1" ] || [ -L "$1" ] || say missing
[ -d "$1" ] || say file
cd -- "$1" 2>/dev/null && [ -r . ] || say denied
need find sort head tr grep wc xargs stat
case $(pwd -P)/ in "$(cd -P -- "$4" 2>/dev/null && pwd -P || echo none)"/*) say denied ;; esac
own=$4 depth=0 left=$(($3 + 1)) above=[.]
while [ $depth -lt "$2" ] && [ "$left" -gt 0 ]; do
  depth=$((depth + 1))
  list=$(find . -maxdepth $depth \\( -name .daytona -exec test {} -ef "$own" \\; -prune \\) -o \\
    \\( -name '${UPLOAD_PREFIX}*' -o -name '${REMOVED_PREFIX}*' \\) -prune -o \\( ${BULKY} \\) -prune -print0 -o -print0 2>/dev/null |
    tr '\\n\\000' '\\036\\n' | grep -aE "^$above/[^/]+$" | sort | head -n "$left")
  [ -n "$list" ] || break
  printf '%s\\n' "$list" | tr '\\036\\n' '\\n\\000' | xargs -0 sh -c 'mark=$(printf "\\036")
    stat -c "$mark%f %s %Y %n" -- "$@" 2>/dev/null
    stat -L -c "\${mark}L%f %s %Y %n" -- "$@" 2>/dev/null' sh
  left=$((left - $(printf '%s\\n' "$list" | wc -l))) above="$above/[^/]+"
done | head -c ${OUTPUT_BYTES}
say end`;

const MODE = { kind: 0xf000, folder: 0x4000, link: 0xa000 };

interface Listed {
  asked: string;
  absolute: string;
  folders: Folders;
  depth: number;
}

export async function listFolder(
  ports: FilePorts,
  { asked, absolute, folders, depth }: Listed,
  signal: AbortSignal,
): Promise<FileListing> {
  const max = ports.limits.entries;
  const levels = Math.min(Math.max(1, Math.floor(depth)), MAX_DEPTH);
  const values = [absolute, String(levels), String(max), providerFolderOf(folders)];
  const script = { what: asked, text: SCRIPT, values, timeout_ms: LIST_MS, answer_bytes: ANSWER_BYTES };
  const { word, output } = await askScript(ports, script, signal);
  if (word === "missing") throw new SandboxError("not_found", `${asked} does not exist.`);
  if (word === "file") throw new SandboxError("invalid", `${asked} is a file, not a folder.`);
  if (word === "denied") throw new SandboxError("refused", `${asked}: permission denied.`);
  return readListing(output, absolute, folders, max);
}

function readListing(output: string, absolute: string, folders: Folders, max: number): FileListing {
  const [, ...records] = output.split("\x1e");
  const found = new Map<string, FileInfo>();
  let is_cut = records.at(-1)?.endsWith("\n") === false;
  for (const record of records) {
    const [, leads, mode, size, seconds, path] = /^(L?)([0-9a-f]+) (\d+) (-?\d+) \.\/([\s\S]*)\n$/.exec(record) ?? [];
    if (mode === undefined || path === undefined) continue;
    const kind = Number.parseInt(mode, 16) & MODE.kind;
    const known = found.get(path);
    if (leads === "L" && (known === undefined || known.size >= 0)) continue;
    const entry = {
      path: showPath(`${absolute === "/" ? "" : absolute}/${path}`, folders),
      is_dir: kind === MODE.folder,
      // Marks a link until it is known where it leads.
      size: kind === MODE.link ? -1 : kind === MODE.folder ? 0 : Number(size),
      modified_at: new Date(Number(seconds) * 1000).toISOString(),
    };
    found.set(path, entry);
  }
  const entries = [...found.values()].map((entry) => ({ ...entry, size: Math.max(0, entry.size) }));
  is_cut ||= entries.length > max;
  return { entries: entries.slice(0, max).sort((one, other) => (one.path < other.path ? -1 : 1)), is_cut };
}
