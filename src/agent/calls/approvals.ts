// Which calls a person must approve: an agent's patterns, held against what a call is about (a command, a path).
//
// This helps a well-meaning model and its person; it is no wall. A command is looked at as a whole and in every piece that a
// shell might run by itself, so that `cd x && sudo /bin/rm -r y` is caught by `rm *`, and it rather asks once too often
// (`echo "rm x"`). A program that deletes by its own code is not seen: what must not happen is kept out by the sandbox.

/** By tool, patterns in which `*` is any text and `?` one character. */
export type Approvals = Record<string, string[]>;

/** Nobody reads a longer command before approving it, and holding it against patterns takes time: it needs approval. */
const MAX_SUBJECT_CHARACTERS = 20_000;
/** Of all subjects of a call. The longest command and its pieces, in quotes and without, have four times its length. */
const MAX_CHARACTERS = 100_000;
/** A hundred patterns that begin with a star look at each character of those once. More is made to take time. */
const MAX_STEPS = 10_000_000;

/** How many characters may still be compared; what needs more is not looked through, and needs approval. */
interface Effort {
  steps: number;
}

export function needsApproval(approvals: Approvals, tool: string, subjects: readonly string[]): boolean {
  const patterns = Object.hasOwn(approvals, tool) ? (approvals[tool] ?? []) : [];
  if (patterns.length === 0) return false;
  if (subjects.some(({ length }) => length > MAX_SUBJECT_CHARACTERS)) return true;
  if (subjects.reduce((sum, { length }) => sum + length, 0) > MAX_CHARACTERS) return true;
  const effort = { steps: MAX_STEPS };
  const wanted = patterns.map(squeeze);
  return subjects.map(squeeze).some((given) => wanted.some((pattern) => matches(pattern, given, effort)));
}

/** `rm *` is also `rm` alone. */
function matches(pattern: string, text: string, effort: Effort): boolean {
  if (matchesGlob(pattern, text, effort)) return true;
  return pattern.endsWith(" *") && matchesGlob(pattern.slice(0, -2), text, effort);
}

/** White space counts once. */
function squeeze(text: string): string {
  return text.replace(/\s+/g, " ").trim();
}

/** Goes back to the last star only, so it takes at most the product of both lengths. */
function matchesGlob(pattern: string, text: string, effort: Effort): boolean {
  let at = 0;
  let place = 0;
  let star = -1;
  let resumed = 0;
  while (at < text.length) {
    if (--effort.steps < 0) return true;
    const sign = pattern[place];
    if (sign === "*") {
      star = place++;
      resumed = at;
    } else if (sign !== undefined && (sign === "?" || sign === text[at])) {
      place++;
      at++;
    } else if (star >= 0) {
      place = star + 1;
      at = ++resumed;
    } else return false;
  }
  while (pattern[place] === "*") place++;
  return place === pattern.length;
}

/** Words that run the command behind them. */
const wrappers =
  /^(?:sudo|doas|su|runuser|pkexec|fakeroot|env|nohup|time|exec|command|builtin|xargs|parallel|watch|nice|ionice|setsid|stdbuf|strace|timeout|busybox|eval|coproc|sh|bash|dash|ksh|zsh|then|do|else|if|while|until|!)$/;
const assignment = /^[A-Za-z_]\w*\+?=\S*$/;
const flagOrNumber = /^(?:-\S*|\d+(?:\.\d+)?[smhd]?)$/;
const redirection = /\d{0,3}[<>]{1,3}&?\s*[^\s;&|()<>]+/g;

/** A command, and each piece of it that a shell might run: without what stands before its own first word. */
export function listCommands(command: string): string[] {
  if (command.length > MAX_SUBJECT_CHARACTERS) return [command];
  // A line break behind a backslash is none. What stands in quotes may be a command of its own (`sh -c "…"`), or a part of
  // a word (`r"m"`): both are looked at.
  const plain = command
    .replace(/\\\r?\n/g, "")
    .replace(/\$\{?IFS\}?/g, " ")
    .replace(/\s-(?:exec|ok)(?:dir)?\s/g, " ; ");
  const pieces = plain.split(/[\n;&|(){}`"'<>]+|\$\(/);
  const bare = plain
    .replace(/["'\\]/g, "")
    .replace(redirection, " ")
    .split(/[\n;&|(){}`<>]+|\$\(/);
  const subjects = new Set([command]);
  for (const piece of new Set([...pieces, ...bare])) addCommands(subjects, piece.replaceAll("\\", ""));
  return [...subjects];
}

/** The piece, and what is left of it behind each word that only runs the rest. */
function addCommands(subjects: Set<string>, piece: string): void {
  const words = piece.split(/\s+/).filter((word) => word !== "");
  const seen = new Set<number>();
  let room = MAX_CHARACTERS;
  const visit = (at: number): void => {
    const word = words[at];
    // Beyond the room it needs approval anyway.
    if (word === undefined || seen.has(at) || room < 0) return;
    seen.add(at);
    const name = word.slice(word.lastIndexOf("/") + 1);
    const rest = words.slice(at + 1);
    for (const first of new Set([name, word])) {
      const subject = [first, ...rest].join(" ");
      room -= subject.length;
      subjects.add(subject);
    }
    if (assignment.test(word)) visit(at + 1);
    if (wrappers.test(name)) for (const place of findWrapped(words, at + 1)) visit(place);
  };
  visit(0);
}

/** Where the command behind a wrapper may begin: behind its flags, whose values (`-u root`) look like a command too. */
function findWrapped(words: readonly string[], from: number): number[] {
  const places: number[] = [];
  for (let at = from; at < words.length; at++) {
    if (flagOrNumber.test(words[at] ?? "")) continue;
    places.push(at);
    const isValue = at > from && words[at - 1]?.startsWith("-") === true;
    if (!isValue) break;
  }
  return places;
}

/** A path as it was written, and without the detours in it. */
export function listPaths(...paths: string[]): string[] {
  return [...new Set(paths.flatMap((path) => [path, straighten(path)]))];
}

function straighten(path: string): string {
  const parts: string[] = [];
  for (const part of path.split("/")) {
    if (part === "" || part === ".") continue;
    if (part === ".." && parts.length > 0 && parts.at(-1) !== "..") parts.pop();
    else parts.push(part);
  }
  return `${path.startsWith("/") ? "/" : ""}${parts.join("/")}`;
}

/** Of a tool that does not say what its calls are about: each plain value of its arguments, and all of them as JSON. */
export function listValues(input: unknown): string[] {
  const values = typeof input === "object" && input !== null ? Object.values(input) : [];
  const plain = values.filter((value) => typeof value === "string" || typeof value === "number").map(String);
  return [JSON.stringify(input) ?? "", ...plain];
}
