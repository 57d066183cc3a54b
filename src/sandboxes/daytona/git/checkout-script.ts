// The commands around a project's clone, and their output. Threads of one project don't know of each other, so a lock
// in the sandbox keeps them from cloning twice: a folder, the claim, which one thread creates and touches while it
// works. The clone is made under another name and moved when it is complete, so that the repository's folder is never
// half a clone.
import { writeShell } from "../commands/command-line.ts";

export interface CloneTarget {
  /** The final absolute path of the repository. */
  path: string;
  /** The temporary path beside it that the clone is made in. */
  draft: string;
}

export type CheckoutState =
  /** This thread has the claim and makes the clone. */
  | { kind: "claimed" }
  /** Another thread has the claim. */
  | { kind: "busy" }
  | {
      kind: "there";
      branch: string | null;
      url: string | null;
      is_empty: boolean;
      /** Of a clone that was just made. */
      commit: string | null;
    }
  | { kind: "in_the_way" };

/** A claim that was not touched for longer is abandoned. Its owner touches it four times as often. */
export const STALE_SECONDS = 60;

const DRAFT_PREFIX = ".taskloom-clone-";

// /tmp may be emptied when a sandbox stops, which also ends every owner of a claim.
const CLAIM = `claim="/tmp/.taskloom/clone-$(printf %s "$1" | cksum | tr -d ' ')"`;

/** Limits what a model sees of these files, which a program in the sandbox may have written. */
const MAX_SHOWN_BYTES = 4_000;

// A branch without a commit exists only in HEAD.
const SHOW = `show() {
  printf 'there\\nbranch %s\\n' "$(sed -n 's,^ref: refs/heads/,,p' "$1/.git/HEAD" 2>/dev/null | head -n 1 | head -c ${MAX_SHOWN_BYTES})"
  sed -n '/^\\[remote "origin"\\]/,/^\\[/s/^[[:space:]]*url[[:space:]]*=[[:space:]]*/url /p' "$1/.git/config" 2>/dev/null | head -n 1 | head -c ${MAX_SHOWN_BYTES}
  echo
  [ -d "$1/.git/refs" ] && [ -z "$(find "$1/.git/refs" -type f 2>/dev/null | head -n 1)" ] && [ ! -s "$1/.git/packed-refs" ] && echo empty
}`;

const VACANT = `vacant() { [ ! -L "$1" ] && { [ ! -e "$1" ] || { [ -d "$1" ] && [ -z "$(ls -A "$1" 2>/dev/null)" ]; }; }; }`;

// The daemon clones a single branch and configures the clone to fetch only that one: commits pushed on another branch
// would count as not pushed.
const TRACK = `track() { git config -f "$1/.git/config" remote.origin.fetch '+refs/heads/*:refs/remotes/origin/*' 2>/dev/null; }`;

// The owner of the claim is alone: an unfinished clone is from an abandoned attempt, or from the project's former
// source.
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
# The former owner may have finished and released the claim since the first look.
if [ -e "$1/.git" ]; then rmdir "$claim"; show "$1"; exit 0; fi
rm -rf -- "$(dirname -- "$1")"/${DRAFT_PREFIX}*
echo claimed`;

const FINISH = `${SHOW}
${VACANT}
${TRACK}
${CLAIM}
track "$2"
if [ -e "$1/.git" ]; then rm -rf -- "$2"; rmdir "$claim" 2>/dev/null; show "$1"; exit 0; fi
if vacant "$1" && { [ ! -d "$1" ] || rmdir -- "$1"; } && mv -- "$2" "$1"; then
  rmdir "$claim" 2>/dev/null
  show "$1"
  commit=$(GIT_CONFIG_NOSYSTEM=1 GIT_CONFIG_GLOBAL=/dev/null git --git-dir="$1/.git" rev-parse -q --verify 'HEAD^{commit}' 2>/dev/null) && echo "commit $commit"
  exit 0
fi
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

export function cloneTarget(path: string, id: string): CloneTarget {
  return { path, draft: `${path.slice(0, path.lastIndexOf("/"))}/${DRAFT_PREFIX}${id}` };
}

const writer = (script: string) => (target: CloneTarget) => writeShell(script, [target.path, target.draft]);

export const writeClaim = writer(BEGIN);
export const writeFinish = writer(FINISH);
export const writeRelease = writer(RELEASE);
export const writeTouch = writer(TOUCH);

/** Checks whether a clone to the path is possible: prints `vacant` or `in_the_way`. */
export const writeVacancy = (path: string) => writeShell(VACANCY, [path]);

/** Configures a finished clone to fetch all branches of its remote. */
export const writeTracking = (path: string) => writeShell(TRACKING, [path]);

/** Null if the command did not finish. */
export function readCheckoutState(output: string): CheckoutState | null {
  const [kind, ...lines] = output.trim().split("\n");
  if (kind === "claimed" || kind === "busy" || kind === "in_the_way") return { kind };
  if (kind !== "there") return null;
  const read = (name: string) => lines.find((line) => line.startsWith(`${name} `))?.slice(name.length + 1) ?? "";
  const [commit = null] = /^[0-9a-f]{40,64}$/.exec(read("commit")) ?? [];
  return {
    ...{ kind, branch: read("branch") || null, url: read("url") || null, is_empty: lines.includes("empty") },
    commit,
  };
}
