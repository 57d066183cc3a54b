// Which calls a person must approve: an agent's patterns, held against what a call is about (a command, a path).
//
// This helps a well-meaning model and its person; it is no wall. A command is looked at as a whole and in every piece that a
// shell might run by itself, so that `cd x && sudo /bin/rm -r y` is caught by `rm *`, and it rather asks once too often
// (`echo "rm x"`). A program that deletes by its own code is not seen: what must not happen is kept out by the sandbox.

/** By tool, patterns in which `*` is any text and `?` one character. */
export type Approvals = Record<string, string[]>;

/** Nobody reads a longer command before approving it, and holding it against patterns takes time: it needs approval. */
const MAX_SUBJECT_CHARACTERS = 20_000;

export function needsApproval(approvals: Approvals, tool: string, subjects: readonly string[]): boolean {
  const patterns = Object.hasOwn(approvals, tool) ? (approvals[tool] ?? []) : [];
  if (patterns.length === 0) return false;
  return subjects.some(
    (subject) =>
      subject.length > MAX_SUBJECT_CHARACTERS || patterns.some((pattern) => matchesPattern(pattern, subject)),
  );
}

/** White space counts once. `rm *` is also `rm` alone. */
export function matchesPattern(pattern: string, subject: string): boolean {
  const wanted = squeeze(pattern);
  const given = squeeze(subject);
  return matchesGlob(wanted, given) || (wanted.endsWith(" *") && matchesGlob(wanted.slice(0, -2), given));
}

function squeeze(text: string): string {
  return text.replace(/\s+/g, " ").trim();
}

/** Goes back to the last star only, so it takes at most the product of both lengths. */
function matchesGlob(pattern: string, text: string): boolean {
  let at = 0;
  let place = 0;
  let star = -1;
  let resumed = 0;
  while (at < text.length) {
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
  /^(?:sudo|doas|env|nohup|time|exec|command|builtin|xargs|nice|ionice|setsid|stdbuf|timeout|busybox|eval|then|do|else|if|while|until|!)$/;
const assignment = /^[A-Za-z_]\w*\+?=\S*$/;
const flagOrNumber = /^(?:-\S*|\d+(?:\.\d+)?[smhd]?)$/;

/** A command, and each piece of it that a shell might run: without what stands before its own first word. */
export function listCommands(command: string): string[] {
  if (command.length > MAX_SUBJECT_CHARACTERS) return [command];
  // A line break behind a backslash is none. What stands in quotes may be a command of its own (`sh -c "…"`), or a part of
  // a word (`r"m"`): both are looked at.
  const plain = command.replace(/\\\r?\n/g, "").replace(/\$\{?IFS\}?/g, " ");
  const pieces = plain.split(/[\n;&|(){}`"'<>]+|\$\(/);
  const bare = plain.replace(/["'\\]/g, "").split(/[\n;&|(){}`<>]+|\$\(/);
  const subjects = new Set([command]);
  for (const piece of [...pieces, ...bare]) {
    for (const subject of withoutWrappers(piece.replaceAll("\\", ""))) subjects.add(subject);
  }
  return [...subjects];
}

function withoutWrappers(piece: string): string[] {
  const words = piece.split(/\s+/).filter((word) => word !== "");
  const found: string[] = [];
  while (words.length > 0) {
    const [first = ""] = words;
    const name = first.slice(first.lastIndexOf("/") + 1);
    found.push([name, ...words.slice(1)].join(" "));
    if (name !== first) found.push(words.join(" "));
    if (!wrappers.test(name) && !assignment.test(first)) break;
    words.shift();
    while (wrappers.test(name) && flagOrNumber.test(words[0] ?? "")) words.shift();
  }
  return found;
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
