// Searches lines with the sandbox's own grep, since the daemon's search knows only plain text and gives up on a file
// with a long line. One script, bounded in time and output, whose values are all arguments.

import type { FileMatch, FileSearch, FileSearchResult } from "../../../agent/sandbox.ts";
import { SandboxError } from "../../../agent/sandbox.ts";
import { toExtendedExpression, toPerlExpression } from "../../expressions.ts";
import { type Glob, readGlob } from "../../glob.ts";
import type { Folders } from "../../paths.ts";
import type { SdkSandbox } from "../client/sdk.ts";
import type { Toolbox } from "../client/toolbox.ts";
import { providerFolderOf, REMOVED_PREFIX, UPLOAD_PREFIX } from "./provider-folder.ts";
import { runScript } from "./scripts.ts";

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
const MAX_LINE_CHARACTERS = 500;
const MAX_PROBLEM_CHARACTERS = 300;

// $1 is the folder or file, $2 F for a plain text or E for an expression, $3 the text or Perl's expression, $4 the
// extended expression or empty, $5 how many lines, $6 and $7 options of grep for $3 and $4, $8 Daytona's own folder. The
// rest is the condition of find. grep's errors are beside its lines; only lines have the mark \036 behind their path. Without -Z (BusyBox), a
// colon is there instead. BusyBox reads an expression with the first line only, so there is one to check it with. Its
// timeout ends one process and not those below it, so grep has one of its own. Names with a line break would look like
// other lines.
const SCRIPT = `say() { printf '\\036%s\\n' "$*"; }
LC_ALL=C.UTF-8; export LC_ALL
at=$1 kind=$2 pattern=$3 extended=$4 lines=$5 options=$6 others=$7 own=$8
shift 8
for program in grep find xargs sort cut head tr; do command -v $program >/dev/null 2>&1 || { say none; exit 0; }; done
if [ "$kind" = F ]; then mode=F
elif printf '' | grep -P x >/dev/null 2>&1; [ $? -le 1 ]; then mode=P
elif [ -n "$extended" ]; then mode=E pattern=$extended options=$others
else say 'wrong this grep knows no lookarounds, back references or named groups'; exit 0
fi
wrong=$(printf 'x\\n' | grep -$mode$options -e "$pattern" 2>&1 >/dev/null)
if [ $? -gt 1 ]; then say "wrong $wrong"; exit 0; fi
if [ -d "$at" ]; then cd -- "$at" || exit 1; start=.
elif [ -e "$at" ]; then say file; cd -- "\${at%/*}/" || exit 1; start=./\${at##*/}
else say missing; exit 0
fi
[ "$(pwd)" = / ] && kernel='-o -path ./proc -o -path ./sys -o -path ./dev'
mark=; if printf 'x\\n' | grep -Zc x >/dev/null 2>&1; then mark=Z; else say colon; fi
limit= inner=; timeout 1 true >/dev/null 2>&1 && limit='timeout ${SEARCH_SECONDS}'
[ -n "$mark" ] || inner=$limit
find -H "$start" \\( -name .git -o -name node_modules -o -name .daytona -exec test {} -ef "$own" \\; -o -name '*
*' -o -name '${UPLOAD_PREFIX}*' -o -name '${REMOVED_PREFIX}*' $kernel \\) -prune -o -type f -size -131072k \\( "$@" \\) -print0 2>/dev/null | sort -z | {
  $limit xargs -0 -r $inner grep -nHsI$mark$mode$options -e "$pattern" -- 2>&1
  case $? in 124 | 125 | 143) say late ;; esac
} | tr '\\000' '\\036' | cut -b 1-${LINE_BYTES} | head -n "$lines" | head -c ${OUTPUT_BYTES}
echo
say end`;

/** `absolute` is the path in the sandbox. Paths in the result are absolute too. */
export async function searchWithGrep(
  { toolbox, sandbox }: { toolbox: Toolbox; sandbox: SdkSandbox },
  search: FileSearch & { absolute: string; folders: Folders; max: number },
  signal: AbortSignal,
): Promise<FileSearchResult> {
  const { absolute, pattern, is_expression, ignore_case, glob, max } = search;
  const globs = glob === null ? [] : expandBraces(glob).map(readGlob);
  const extended = is_expression ? toExtendedExpression(pattern) : null;
  const caseOption = ignore_case ? "i" : "";
  const values = [
    absolute,
    is_expression ? "E" : "F",
    is_expression ? toPerlExpression(pattern) : pattern,
    extended?.pattern ?? "",
    String(max + 1),
    caseOption,
    ignore_case || extended?.ignore_case === true ? "i" : "",
    providerFolderOf(search.folders),
    ...(globs.length === 0 ? ["-name", "*"] : globs.flatMap(toCondition)),
  ];
  const script = { text: SCRIPT, values, timeout_ms: SCRIPT_MS, answer_bytes: ANSWER_BYTES };
  const { output } = await runScript(toolbox, sandbox, script, signal);
  const fits = (path: string) => globs.length === 0 || globs.some(({ fitsFolders }) => fitsFolders(path));
  return readOutput(output, search, fits);
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

function readOutput(
  output: string,
  { path, absolute, max }: { path: string; absolute: string; max: number },
  fits: (path: string) => boolean,
): FileSearchResult {
  let folder = absolute === "/" ? "" : absolute;
  const matches: FileMatch[] = [];
  let problem: string | null = null;
  let isEnded = false;
  let hasColon = false;
  for (const line of output.split("\n")) {
    const message = line.startsWith("\x1e") ? line.slice(1) : null;
    if (message === "none") throw new NoGrep();
    if (message?.startsWith("wrong ")) throw new SandboxError("invalid", describeWrong(message.slice(6)));
    if (message === "missing") throw new SandboxError("not_found", `${path || "."} does not exist.`);
    if (message === "file") folder = absolute.slice(0, absolute.lastIndexOf("/"));
    if (message === "late") problem = `The search was stopped after ${SEARCH_SECONDS} s: search a smaller folder.`;
    else if (message === "end") isEnded = true;
    else if (message === "colon") hasColon = true;
    else if (message === null) {
      const match = readLine(line, hasColon);
      if (match !== null && fits(match.path)) matches.push({ ...match, path: `${folder}/${match.path}` });
      else if (/backtracking limit|JIT stack|recursion limit/i.test(line))
        problem = "The expression takes too long on a line, so not all files were searched: make it simpler.";
    }
  }
  // Without its last line the script was ended from outside, or the sandbox has no shell to run it.
  if (!isEnded && matches.length === 0 && problem === null) throw new NoGrep();
  return { matches: matches.slice(0, max), problem };
}

/** The sandbox can't search with grep. */
export class NoGrep extends Error {}

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
