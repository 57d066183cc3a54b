// Decides which calls a person must approve: matches an agent's patterns against what a call is about (a command, a
// path).
//
// This helps a well-meaning model and its person; it is not a security boundary. A command is checked as a whole and in
// every piece that a shell might run by itself, so that `rm *` catches `cd x && sudo /bin/rm -r y`. When in doubt, it
// asks once too often (`echo "rm x"`). It can't see a program that deletes with code of its own: only the sandbox keeps
// out what must not happen.

/** Patterns by tool. `*` matches any text and `?` one character. */
export type Approvals = Record<string, string[]>;

/** A longer command always needs approval: nobody reads one in full, and matching it takes time. */
const MAX_SUBJECT_CHARACTERS = 20_000;
/**
 * For all subjects of a call. The longest command and its pieces, with quotes and without, have four times its length.
 */
const MAX_CHARACTERS = 100_000;
/**
 * A hundred patterns that start with a star look at each of those characters once. A command that needs more steps was
 * written to take time.
 */
const MAX_STEPS = 10_000_000;

/** How many characters may still be compared. A subject that needs more is not checked, and needs approval. */
interface Effort {
  steps: number;
}

export function needsApproval(approvals: Approvals, tool: string, subjects: readonly string[]): boolean {
  const patterns = Object.hasOwn(approvals, tool) ? (approvals[tool] ?? []) : [];
  if (patterns.length === 0) return false;
  if (subjects.some(({ length }) => length > MAX_SUBJECT_CHARACTERS)) return true;
  if (subjects.reduce((sum, { length }) => sum + length, 0) > MAX_CHARACTERS) return true;
  const effort = { steps: MAX_STEPS };
  const wanted = patterns.map(collapseSpaces);
  return subjects.map(collapseSpaces).some((given) => wanted.some((pattern) => matches(pattern, given, effort)));
}

/** `rm *` also matches `rm` alone. */
function matches(pattern: string, text: string, effort: Effort): boolean {
  if (matchesGlob(pattern, text, effort)) return true;
  return pattern.endsWith(" *") && matchesGlob(pattern.slice(0, -2), text, effort);
}

/** Runs of white space count as one space. */
function collapseSpaces(text: string): string {
  return text.replace(/\s+/g, " ").trim();
}

/** Backtracks to the last star only, so it takes at most the product of both lengths. */
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

/** Words that run the command after them. */
const wrappers =
  /^(?:sudo|doas|su|runuser|pkexec|fakeroot|env|nohup|time|exec|command|builtin|xargs|parallel|watch|nice|ionice|setsid|stdbuf|strace|timeout|busybox|eval|coproc|sh|bash|dash|ksh|zsh|then|do|else|if|while|until|!)$/;
const assignment = /^[A-Za-z_]\w*\+?=\S*$/;
const flagOrNumber = /^(?:-\S*|\d+(?:\.\d+)?[smhd]?)$/;
const redirection = /\d{0,3}[<>]{1,3}&?\s*[^\s;&|()<>]+/g;

/** A command, and each piece of it that a shell might run, from the piece's own first word on. */
export function listCommands(command: string): string[] {
  if (command.length > MAX_SUBJECT_CHARACTERS) return [command];
  // A line break after a backslash does not count. Text in quotes may be a command of its own (`sh -c "…"`) or part of
  // a word (`r"m"`), so both forms are checked.
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

/** Adds the piece, and the rest of it after each word that only runs what follows. */
function addCommands(subjects: Set<string>, piece: string): void {
  const words = piece.split(/\s+/).filter((word) => word !== "");
  const seen = new Set<number>();
  let left = MAX_CHARACTERS;
  const visit = (at: number): void => {
    const word = words[at];
    // Beyond this limit the call needs approval anyway.
    if (word === undefined || seen.has(at) || left < 0) return;
    seen.add(at);
    const name = word.slice(word.lastIndexOf("/") + 1);
    const rest = words.slice(at + 1);
    for (const first of new Set([name, word])) {
      const subject = [first, ...rest].join(" ");
      left -= subject.length;
      subjects.add(subject);
    }
    if (assignment.test(word)) visit(at + 1);
    if (wrappers.test(name)) for (const place of findWrapped(words, at + 1)) visit(place);
  };
  visit(0);
}

/** Where the command after a wrapper may start: after its flags, whose values (`-u root`) look like a command too. */
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

/** Each path as written, and normalized. */
export function listPaths(...paths: string[]): string[] {
  return [...new Set(paths.flatMap((path) => [path, normalizePath(path)]))];
}

export function normalizePath(path: string): string {
  const parts: string[] = [];
  for (const part of path.split("/")) {
    if (part === "" || part === ".") continue;
    if (part === ".." && parts.length > 0 && parts.at(-1) !== "..") parts.pop();
    else parts.push(part);
  }
  return `${path.startsWith("/") ? "/" : ""}${parts.join("/")}`;
}

/** For a tool without `subjects`: each plain value of its arguments, and all of them as JSON. */
export function listValues(input: unknown): string[] {
  const values = typeof input === "object" && input !== null ? Object.values(input) : [];
  const plain = values.filter((value) => typeof value === "string" || typeof value === "number").map(String);
  return [JSON.stringify(input) ?? "", ...plain];
}
