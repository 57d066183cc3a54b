// Where checks look, in a Daytona sandbox: short scripts through `POST /process/execute`. All of them may be repeated,
// so a broken connection costs nothing. A long command is asked for again and again until it has ended.
import {
  type CheckPlace,
  type CheckRequest,
  type FileSeen,
  type ResponseSeen,
  SHOWN_BODY_BYTES,
  SHOWN_FILE_BYTES,
  type Tree,
} from "../../../agent/checks/place.ts";
import { SandboxError } from "../../../agent/sandbox.ts";
import { isWithin } from "../../paths.ts";
import { checkPort } from "../access/ports.ts";
import { providerFolderOf } from "../files/places.ts";
import { DaytonaCheckCommands } from "./commands.ts";
import { readCommitted } from "./committed.ts";
import { readGit } from "./git.ts";
import { hashCommitted, hashMatches } from "./matches.ts";
import { decode, decodeBase64, readText } from "./output.ts";
import { BEGIN, type CheckPorts, run, splitWords } from "./ports.ts";
import { MAX_BODY_BYTES, REQUEST_SCRIPT, readRequestAnswer } from "./request-script.ts";
import { readTreeAnswer, TREE_SCRIPT, type TreeAnswer } from "./tree-script.ts";

/** A gigabyte of files takes some seconds, and ten times that on a busy machine. */
const TREE_MS = 120_000;
const FILES_MS = 60_000;
/** Base64 makes four characters of three bytes. */
const ANSWER_BYTES = 128 * 1024;
const FILE_ANSWER_BYTES = 2 * SHOWN_FILE_BYTES;

// Looks at files in one request, without a time limit that depends on their size. Links are followed; only regular files
// count. $1 is how many bytes are shown, the rest are absolute paths.
const FILES_SCRIPT = `${BEGIN}
shown=$1; shift
need sha256sum wc head base64
printf '\\ntaskloom:files\\n'
for file; do
  if [ ! -f "$file" ]; then echo none; continue; fi
  hash=$(sha256sum <"$file" 2>/dev/null | cut -c 1-64)
  if [ -z "$hash" ] || [ ! -r "$file" ]; then echo none; continue; fi
  text=
  [ "$shown" = 0 ] || text=$(head -c "$shown" <"$file" | base64 | tr -d '\\n')
  echo "file $(wc -c <"$file" | tr -d ' ') $hash $text"
done
echo end`;

interface FileAnswer {
  size: number;
  hash: string;
  /** Base64. */
  text: string;
}

export function createCheckPlace(ports: CheckPorts): CheckPlace {
  const { guard } = ports;
  const commands = new DaytonaCheckCommands(ports);
  return {
    readTree: (signal) => guard(signal, () => readTree(ports, signal)),
    listChanges: (since, signal) => guard(signal, () => listChanges(ports, since, signal)),
    runCommand: (command, signal) => guard(signal, () => commands.run(command, signal)),
    startProgram: (command, signal) => guard(signal, () => commands.start(command, signal)),
    endProgram: (id, signal) => guard(signal, () => commands.end(id, signal)),
    request: (request, signal) => guard(signal, () => sendRequest(ports, request, signal)),
    readFile: (path, signal) => guard(signal, () => readFile(ports, path, signal)),
    hashFiles: (paths, signal) => guard(signal, () => hashFiles(ports, paths, signal)),
    hashMatches: (patterns, signal, since = new Map()) =>
      guard(signal, () => hashMatches(ports, patterns, since, signal)),
    readCommitted: (paths, signal) => guard(signal, () => readCommitted(ports, paths, signal)),
    hashCommitted: (patterns, signal) => guard(signal, () => hashCommitted(ports, patterns, signal)),
    readGit: (cwd, signal, options) => guard(signal, () => readGit(ports, cwd, signal, options)),
  };
}

async function readTree(ports: CheckPorts, signal: AbortSignal): Promise<Tree> {
  const answer = await askTree(ports, "", signal);
  if (answer.kind !== "tree") throw new SandboxError("failed", "The project's files could not be read.");
  return { hash: answer.hash, mark: answer.hash };
}

async function listChanges(ports: CheckPorts, since: Tree, signal: AbortSignal): Promise<string[]> {
  const answer = await askTree(ports, since.mark, signal);
  const mask = await ports.secrets.readMask(signal);
  if (answer.kind === "changes") return answer.files.map((name) => mask?.apply(name) ?? name);
  throw new SandboxError("failed", "What has changed since can't be determined: the former list of files is gone.");
}

async function askTree(ports: CheckPorts, since: string, signal: AbortSignal): Promise<TreeAnswer> {
  const { absolute: work, folders } = await ports.files.resolve("", signal);
  const home = ports.readHome();
  const checkout = home === null ? work : (await ports.files.resolve(home, signal, { takesAnyName: true })).absolute;
  // What lies beside a checkout is not committed, and may still be what a check is about.
  const root = isWithin(checkout, work) ? work : checkout;
  const below = (path: string) => `.${path.slice(root === "/" ? 0 : root.length)}`;
  const provider = providerFolderOf(folders);
  const places = [isWithin(provider, root) ? below(provider) : "", below(checkout)];
  const prefix = `${below(checkout).replace(/[\\&|]/g, "\\$&")}/`;
  const values = (id: string) => [id, root, root === folders.home ? "home" : "", since, ...places, prefix];
  const answer = readTreeAnswer(await run(ports, { text: TREE_SCRIPT, values, timeout_ms: TREE_MS }, signal));
  if (answer === null) throw new SandboxError("failed", "The project's files could not be read in time.");
  if (answer.kind === "no_folder") throw new SandboxError("not_found", "The project's folder does not exist.");
  if (answer.kind === "stuck")
    throw new SandboxError("failed", `The project's files could not be read: ${answer.what || "no space is left"}.`);
  return answer;
}

async function sendRequest(
  ports: CheckPorts,
  { port, path, time_limit_ms }: CheckRequest,
  signal: AbortSignal,
): Promise<ResponseSeen> {
  checkPort(port);
  const url = URL.parse(`http://localhost:${port}${path.startsWith("/") ? "" : "/"}${path}`);
  if (url === null) throw new SandboxError("invalid", `${path} is not a path.`);
  const seconds = Math.max(1, Math.ceil(time_limit_ms / 1000));
  const values = () => [String(port), url.pathname + url.search, String(seconds), ""];
  const said = await run(
    ports,
    { text: REQUEST_SCRIPT, values, timeout_ms: (seconds + 10) * 1000, answer_bytes: ANSWER_BYTES },
    signal,
  );
  const answer = readRequestAnswer(said);
  if (answer?.kind === "answer") {
    const mask = await ports.secrets.readMask(signal);
    const bytes = decodeBase64(answer.body);
    const text = decode(bytes.subarray(0, SHOWN_BODY_BYTES));
    const body = answer.bytes > SHOWN_BODY_BYTES ? (mask?.applyToHead(text) ?? text) : (mask?.apply(text) ?? text);
    return { status: answer.status, body, body_bytes: answer.bytes, body_hash: answer.hash };
  }
  if (answer?.kind === "large")
    throw new SandboxError("too_large", `The answer of port ${port} has more than ${MAX_BODY_BYTES} bytes.`);
  const reason =
    answer?.kind === "silent"
      ? `Nothing answers HTTP on port ${port}.`
      : answer?.kind === "broken"
        ? `The answer of port ${port} broke off.`
        : `Port ${port} gave no answer within ${seconds} seconds.`;
  throw new SandboxError("not_found", reason);
}

async function readFile(ports: CheckPorts, path: string, signal: AbortSignal): Promise<FileSeen> {
  const [found] = await askFiles(ports, [path], SHOWN_FILE_BYTES, signal);
  if (!found) return { hash: null, size: 0, text: null };
  const is_cut = found.size > SHOWN_FILE_BYTES;
  const text = readText(decodeBase64(found.text), is_cut);
  const mask = text === null ? null : await ports.secrets.readMask(signal);
  const shown = is_cut ? mask?.applyToHead(text ?? "") : mask?.apply(text ?? "");
  return { hash: found.hash, size: found.size, text: shown ?? text };
}

async function hashFiles(ports: CheckPorts, paths: string[], signal: AbortSignal): Promise<(string | null)[]> {
  const hashes: (string | null)[] = [];
  for (const part of splitWords(paths.map((path) => [path]))) {
    const answers = await askFiles(ports, part.flat(), 0, signal);
    hashes.push(...answers.map((answer) => answer?.hash ?? null));
  }
  return hashes;
}

async function askFiles(
  ports: CheckPorts,
  paths: string[],
  shown: number,
  signal: AbortSignal,
): Promise<(FileAnswer | null)[]> {
  const absolute: string[] = [];
  for (const path of paths) absolute.push((await ports.files.resolve(path, signal, { takesAnyName: true })).absolute);
  const values = () => [String(shown), ...absolute];
  const script = { text: FILES_SCRIPT, values, timeout_ms: FILES_MS, answer_bytes: FILE_ANSWER_BYTES };
  const answers = (await run(ports, script, signal))?.lines?.map(readFileLine);
  if (answers?.length !== paths.length) throw new SandboxError("failed", "The files could not be read in time.");
  return answers;
}

function readFileLine(line: string): FileAnswer | null {
  const [, size, hash, text = ""] = /^file (\d+) ([0-9a-f]{64}) ([A-Za-z0-9+/=]*)$/.exec(line) ?? [];
  return hash === undefined ? null : { size: Number(size), hash, text };
}
