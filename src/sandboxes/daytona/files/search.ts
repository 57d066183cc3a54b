// Finds files by name and lines by text. Leaves out node_modules and .git, unless the search begins inside them.
//
// The sandbox's own find and grep do it, since the daemon's search knows only plain text and gives up on a file with a
// long line. One script, bounded in time and output.
import { type FileMatch, type FileSearch, type FileSearchResult, SandboxError } from "../../../agent/sandbox.ts";
import { toExtendedExpression, toPerlExpression } from "../../expressions.ts";
import { type Glob, readGlob } from "../../glob.ts";
import { showPath } from "../../paths.ts";
import type { DaytonaFiles } from "./files.ts";
import { providerFolderOf, REMOVED_PREFIX, UPLOAD_PREFIX } from "./places.ts";
import { type Answer, askScript, type FilePorts } from "./scripts.ts";

/** What the search itself may take; the daemon ends the script a little later. */
const SEARCH_SECONDS = 25;
const SCRIPT_MS = 45_000;
/** The path, and some 500 characters of a line. */
const LINE_BYTES = 2_000;
const OUTPUT_BYTES = 1_000_000;
/** JSON writes a control character as six bytes. */
const ANSWER_BYTES = 6 * OUTPUT_BYTES + 64 * 1024;
/** Models give two or three endings. */
const MAX_GLOBS = 16;
/** Each is shorter still. Reading braces takes the square of the length. */
const MAX_GLOB_CHARACTERS = 1_000;
/** Nobody means a longer one, and it is an argument of a program, three times. */
const MAX_PATTERN_CHARACTERS = 4_000;
const MAX_LINE_CHARACTERS = 500;
const MAX_PROBLEM_CHARACTERS = 300;

// Of what begins at `$start`, what is ours or the system's.
const HIDDEN = `-name .daytona -exec test {} -ef "$own" \\; -o -name '${UPLOAD_PREFIX}*' -o -name '${REMOVED_PREFIX}*' $kernel`;

// $1 is the folder or file, $2 N for names only, F for a plain text or E for an expression, $3 the text or Perl's
// expression, $4 the extended expression or empty, $5 how many lines, $6 and $7 options of grep for $3 and $4, $8
// Daytona's own folder. The rest is the condition of find. grep's errors are beside its lines; only lines have the mark
// \036 behind their path. Without -Z (BusyBox), a colon is there instead. BusyBox reads an expression with the first line
// only, so there is one to check it with. Its timeout ends one process and not those below it, so grep has one of its
// own. Names with a line break would look like other lines.
const SCRIPT = `LC_ALL=C.UTF-8; export LC_ALL
at=$1 kind=$2 pattern=$3 extended=$4 lines=$5 options=$6 others=$7 own=$8
shift 8
mark() { printf '\\036%s\\n' "$1"; }
need grep find xargs sort cut head tr
if [ "$kind" != E ]; then mode=F
elif printf '' | grep -P x >/dev/null 2>&1; [ $? -le 1 ]; then mode=P
elif [ -n "$extended" ]; then mode=E pattern=$extended options=$others
else say wrong this grep knows no lookarounds, back references or named groups
fi
wrong=$(printf 'x\\n' | grep -$mode$options -e "$pattern" 2>&1 >/dev/null)
[ $? -le 1 ] || say wrong "$(printf '%s' "$wrong" | head -n 1)"
if [ -d "$at" ]; then cd -- "$at" || exit 1; start=.
elif [ -e "$at" ]; then mark file; cd -- "\${at%/*}/" || exit 1; start=./\${at##*/}
else say missing
fi
case $(pwd -P)/ in "$(cd -P -- "$own" 2>/dev/null && pwd -P || echo none)"/*) say missing ;; esac
[ "$(pwd)" = / ] && kernel='-o -path ./proc -o -path ./sys -o -path ./dev'
if [ "$kind" = N ]; then
  find -H "$start" \\( ${HIDDEN} \\) -prune -o \\( ! -name .git ! -name node_modules -o -prune \\) ! -path . \\( "$@" \\) -print0 2>/dev/null |
    sort -z | tr '\\000' '\\036' | head -c ${OUTPUT_BYTES}
  say end
fi
zero=; if printf 'x\\n' | grep -Zc x >/dev/null 2>&1; then zero=Z; else mark colon; fi
limit= inner=; timeout 1 true >/dev/null 2>&1 && limit='timeout ${SEARCH_SECONDS}'
[ -n "$zero" ] || inner=$limit
find -H "$start" \\( -name .git -o -name node_modules -o -name '*
*' -o ${HIDDEN} \\) -prune -o -type f -size -131072k \\( "$@" \\) -print0 2>/dev/null | sort -z | {
  $limit xargs -0 -r $inner grep -nHsI$zero$mode$options -e "$pattern" -- 2>&1
  case $? in 124 | 125 | 143) mark late ;; esac
} | tr '\\000' '\\036' | cut -b 1-${LINE_BYTES} | head -n "$lines" | head -c ${OUTPUT_BYTES}
say end`;

type Ports = FilePorts & { files: DaytonaFiles };

export async function findFiles(
  { files, ...ports }: Ports,
  { path, glob }: { path: string; glob: string },
  signal: AbortSignal,
): Promise<string[]> {
  const known = readGlob(glob);
  const { asked, absolute, folders } = await files.resolve(path, signal, { takesAnyName: true });
  const values = [absolute, "N", "", "", "", "", "", providerFolderOf(folders), ...toCondition(known, 0)];
  const { word, output } = await ask(ports, asked, values, signal);
  if (word === "missing") throw new SandboxError("not_found", `${asked} does not exist.`);
  // The last one may be cut.
  const found = output.split("\x1e").slice(0, -1);
  return found
    .flatMap((name) => (name.startsWith("./") && known.fitsFolders(name.slice(2)) ? [name.slice(2)] : []))
    .map((name) => showPath(`${absolute === "/" ? "" : absolute}/${name}`, folders))
    .slice(0, ports.limits.entries);
}

function ask(ports: FilePorts, what: string, values: string[], signal: AbortSignal): Promise<Answer> {
  const script = { what, text: SCRIPT, values, timeout_ms: SCRIPT_MS, answer_bytes: ANSWER_BYTES };
  return askScript(ports, script, signal);
}

export async function searchFiles(
  { files, ...ports }: Ports,
  { path, pattern, is_expression, ignore_case, glob }: FileSearch,
  signal: AbortSignal,
): Promise<FileSearchResult> {
  if (pattern === "" || /[\n\0]/.test(pattern)) throw new SandboxError("invalid", "Search for a text within one line.");
  if (pattern.length > MAX_PATTERN_CHARACTERS)
    throw new SandboxError("invalid", `A pattern has at most ${MAX_PATTERN_CHARACTERS} characters.`);
  const { asked, absolute, folders } = await files.resolve(path, signal, { takesAnyName: true });
  const globs = glob === null ? [] : expandBraces(glob).map(readGlob);
  const extended = is_expression ? toExtendedExpression(pattern) : null;
  const max = ports.limits.entries;
  const values = [
    absolute,
    is_expression ? "E" : "F",
    is_expression ? toPerlExpression(pattern) : pattern,
    extended?.pattern ?? "",
    String(max + 1),
    ignore_case ? "i" : "",
    ignore_case || extended?.ignore_case === true ? "i" : "",
    providerFolderOf(folders),
    ...(globs.length === 0 ? ["-name", "*"] : globs.flatMap(toCondition)),
  ];
  const { word, rest, output } = await ask(ports, asked, values, signal);
  if (word === "wrong") throw new SandboxError("invalid", describeWrong(rest));
  if (word === "missing") throw new SandboxError("not_found", `${asked} does not exist.`);
  const { marks, matches, isGivenUp } = readOutput(output);
  const folder = marks.has("file") ? absolute.slice(0, absolute.lastIndexOf("/")) : absolute === "/" ? "" : absolute;
  const found = matches
    .filter((match) => globs.length === 0 || globs.some(({ fitsFolders }) => fitsFolders(match.path)))
    .map((match) => ({ ...match, path: showPath(`${folder}/${match.path}`, folders) }));
  const problem = marks.has("late")
    ? `The search was stopped after ${SEARCH_SECONDS} s: search a smaller folder.`
    : isGivenUp
      ? "The expression takes too long on a line, so not all files were searched: make it simpler."
      : null;
  return { matches: found.slice(0, max), problem };
}

/** `*.{ts,tsx}` as `*.ts` and `*.tsx`. Braces within braces are rare enough to be taken as they are. */
function expandBraces(glob: string): string[] {
  if (glob.length > MAX_GLOB_CHARACTERS)
    throw new SandboxError("invalid", `A glob has at most ${MAX_GLOB_CHARACTERS} characters.`);
  let globs = [glob];
  for (let brace = 0; brace < 3; brace++) {
    globs = globs.flatMap((each) => {
      const [whole, before = "", inside = "", after = ""] = /^([^{]*)\{([^{},]*,[^{}]*)\}([\s\S]*)$/.exec(each) ?? [];
      return whole === undefined ? [each] : inside.split(",").map((part) => `${before}${part}${after}`);
    });
    if (globs.length > MAX_GLOBS)
      throw new SandboxError("invalid", `The glob stands for more than ${MAX_GLOBS} globs. Give fewer.`);
  }
  return globs;
}

/** A star of find's `-path` also stands for slashes, so this finds a little more than the glob says. */
function toCondition({ base, source }: Glob, place: number): string[] {
  const or = place === 0 ? [] : ["-o"];
  if (!source.includes("/")) return [...or, "-name", base];
  return [...or, "-path", `./${source.replace(/\*\*\/?/g, "*")}`, "-name", base];
}

function readOutput(output: string): { marks: Set<string>; matches: FileMatch[]; isGivenUp: boolean } {
  const lines = output.split("\n");
  const marks = new Set(lines.filter((line) => line.startsWith("\x1e")).map((line) => line.slice(1)));
  const matches: FileMatch[] = [];
  let isGivenUp = false;
  for (const line of lines) {
    const match = readLine(line, marks.has("colon"));
    if (match !== null) matches.push(match);
    else isGivenUp ||= /backtracking limit|JIT stack|recursion limit/i.test(line);
  }
  return { marks, matches, isGivenUp };
}

function describeWrong(message: string): string {
  return message
    .replace(/^grep: /, "")
    .slice(0, MAX_PROBLEM_CHARACTERS)
    .toWellFormed();
}

// See the script.
// biome-ignore lint/suspicious/noControlCharactersInRegex: see above
const MARKED = /^\.\/([^\x1e]*)\x1e(\d+):([\s\S]*)$/;
const WITH_COLON = /^\.\/(.*?):(\d+):([\s\S]*)$/;

function readLine(line: string, hasColon: boolean): FileMatch | null {
  const [, path, number, text] = (hasColon ? WITH_COLON : MARKED).exec(line) ?? [];
  if (path === undefined || text === undefined) return null;
  // A line that was cut may end within a character.
  const shown = text
    .slice(0, MAX_LINE_CHARACTERS)
    .replace(/(?<!\ufffd)\ufffd+$/, "")
    .replace(/\r$/, "");
  return { path, line: Number(number), text: shown.toWellFormed() };
}
