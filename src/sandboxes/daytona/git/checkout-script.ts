// The commands around a project's clone, and what they print. Threads of one project know nothing of each other, so what
// keeps them from cloning twice lies in the sandbox: a folder that one of them makes, the claim, and touches while it
// works. The clone comes to be under another name and is moved when it is whole, so that a folder of the repository's name
// never is half of one.
import { quote } from "../commands/command-line.ts";

export interface Spot {
  /** Where the repository is to be; absolute. */
  path: string;
  /** Where it comes to be, beside it. */
  draft: string;
}

export type Beginning =
  /** Ours to clone. */
  | { kind: "claimed" }
  /** Another is at it. */
  | { kind: "busy" }
  | { kind: "there"; branch: string | null; url: string | null; is_empty: boolean }
  | { kind: "in_the_way" };

/** A claim that was not touched for longer is of somebody who is gone; touched four times as often. */
export const STALE_SECONDS = 60;

const DRAFT_PREFIX = ".taskloom-clone-";

// /tmp may be emptied when a sandbox stops, and who worked in it is gone then.
const CLAIM = `claim="/tmp/.taskloom/clone-$(printf %s "$1" | cksum | tr -d ' ')"`;

/** A model is told what these files say, which a program in the sandbox may have written. */
const MAX_SHOWN_BYTES = 4_000;

// A branch that has no commit yet is written nowhere but in HEAD.
const SHOW = `show() {
  printf 'there\\nbranch %s\\n' "$(sed -n 's,^ref: refs/heads/,,p' "$1/.git/HEAD" 2>/dev/null | head -n 1 | head -c ${MAX_SHOWN_BYTES})"
  sed -n '/^\\[remote "origin"\\]/,/^\\[/s/^[[:space:]]*url[[:space:]]*=[[:space:]]*/url /p' "$1/.git/config" 2>/dev/null | head -n 1 | head -c ${MAX_SHOWN_BYTES}
  echo
  [ -d "$1/.git/refs" ] && [ -z "$(find "$1/.git/refs" -type f 2>/dev/null | head -n 1)" ] && [ ! -s "$1/.git/packed-refs" ] && echo empty
}`;

const VACANT = `vacant() { [ ! -L "$1" ] && { [ ! -e "$1" ] || { [ -d "$1" ] && [ -z "$(ls -A "$1" 2>/dev/null)" ]; }; }; }`;

// The daemon clones one branch and has its clone know no others: what is pushed on another would count as not pushed.
const TRACK = `track() { git config -f "$1/.git/config" remote.origin.fetch '+refs/heads/*:refs/remotes/origin/*' 2>/dev/null; }`;

// Who holds the claim is alone: what is half made is of somebody who is gone, or of a source that the project had before.
const BEGIN = `${SHOW}
${VACANT}
${CLAIM}
if [ -e "$1/.git" ]; then show "$1"; exit 0; fi
if ! vacant "$1"; then echo in_the_way; exit 0; fi
mkdir -p -- "\${claim%/*}" "$(dirname -- "$1")" || exit 1
if ! mkdir "$claim" 2>/dev/null; then
  [ -d "$claim" ] || exit 1
  age=$(( $(date +%s) - $(stat -c %Y "$claim" 2>/dev/null || date +%s) ))
  if [ "$age" -lt ${STALE_SECONDS} ]; then echo busy; exit 0; fi
  touch "$claim"
fi
rm -rf -- "$(dirname -- "$1")"/${DRAFT_PREFIX}*
echo claimed`;

const FINISH = `${SHOW}
${VACANT}
${TRACK}
${CLAIM}
track "$2"
if [ -e "$1/.git" ]; then rm -rf -- "$2"; rmdir "$claim" 2>/dev/null; show "$1"; exit 0; fi
if vacant "$1" && { [ ! -d "$1" ] || rmdir -- "$1"; } && mv -- "$2" "$1"; then rmdir "$claim" 2>/dev/null; show "$1"; exit 0; fi
rm -rf -- "$2"
rmdir "$claim" 2>/dev/null
echo in_the_way`;

const RELEASE = `${CLAIM}
rm -rf -- "$2"
rmdir "$claim" 2>/dev/null
echo released`;

const TOUCH = `${CLAIM}
touch -c "$claim"`;

const VACANCY = `${VACANT}
if vacant "$1"; then echo vacant; else echo in_the_way; fi`;

const TRACKING = `${TRACK}
track "$1"`;

export function draftOf(path: string, id: string): Spot {
  return { path, draft: `${path.slice(0, path.lastIndexOf("/"))}/${DRAFT_PREFIX}${id}` };
}

export const writeBeginning = (spot: Spot) => write(BEGIN, spot);
export const writeFinish = (spot: Spot) => write(FINISH, spot);
export const writeRelease = (spot: Spot) => write(RELEASE, spot);
export const writeTouch = (spot: Spot) => write(TOUCH, spot);

/** Whether something may be cloned to the path: `vacant`, or there is something in the way. */
export function writeVacancy(path: string): string {
  return write(VACANCY, { path, draft: "" });
}

/** For a clone that is where it belongs: it knows all branches of its remote from now on. */
export function writeTracking(path: string): string {
  return write(TRACKING, { path, draft: "" });
}

/** Null where the command did not come to its end. */
export function readBeginning(output: string): Beginning | null {
  const [kind, ...lines] = output.trim().split("\n");
  if (kind === "claimed" || kind === "busy" || kind === "in_the_way") return { kind };
  if (kind !== "there") return null;
  const read = (name: string) => lines.find((line) => line.startsWith(`${name} `))?.slice(name.length + 1) ?? "";
  return { kind, branch: read("branch") || null, url: read("url") || null, is_empty: lines.includes("empty") };
}

function write(script: string, { path, draft }: Spot): string {
  return ["sh -c", ...[script, "taskloom", path, draft].map(quote)].join(" ");
}
