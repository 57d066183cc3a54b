// Reads checks as models write them: a bare command, other names of fields, an address of the sandbox's own port. What
// can't be read is left as it is and refused where checks are made.
import { isRecord } from "../../lib/is-record.ts";
import { checkTypes } from "../../protocol/plan/check.ts";
import { parseJson, understandAs } from "../calls/leniency.ts";

const aliases: Record<string, string[]> = {
  run: ["cmd", "command", "script"],
  exit_code: ["code", "exitCode", "exit", "expected_exit_code"],
  contains: ["expect", "expected", "includes", "contain", "output_contains", "text"],
  excludes: ["not_contains", "does_not_contain"],
  matches: ["pattern", "regex", "match"],
  path: ["file", "file_path", "filename", "endpoint", "route"],
  cwd: ["workdir", "working_directory", "dir"],
  timeout_seconds: ["timeout"],
  status: ["status_code", "expect_status"],
  question: ["ask", "prompt"],
  exists: [],
  url: ["address"],
  port: [],
  branch: [],
};

const numbers = new Set(["exit_code", "timeout_seconds", "status", "port", "min_bytes", "max_bytes"]);
const booleans = new Set(["exists", "clean", "pushed"]);

const typeWords: Record<string, string> = {
  ...{ shell: "command", cmd: "command", bash: "command", exec: "command", run: "command", test: "command" },
  ...{ request: "http", url: "http", https: "http", api: "http", web: "http" },
  ...{ human: "person", user: "person", manual: "person", files: "file" },
};

/** What a model gives as checks: a list, one, or the JSON of either. */
export function readChecks(value: unknown): unknown {
  const given = parseJson(value);
  if (given === undefined || given === null || given === "") return undefined;
  return (Array.isArray(given) ? given : [given]).map(readCheck);
}

/** Gives each check to the task that it names by number or text. `left`: those that name none. */
export function assignChecks(tasks: unknown[], checks: unknown): { tasks: unknown[]; left: unknown[] } {
  const given = parseJson(checks) ?? [];
  const own = new Map<number, unknown[]>();
  const left: unknown[] = [];
  for (const item of Array.isArray(given) ? given : [given]) {
    const check = parseJson(item);
    const { task, ...rest } = isRecord(check) ? check : { task: undefined };
    const at = task === undefined && tasks.length === 1 ? 0 : findTask(tasks, task);
    if (at === null) left.push(item);
    else own.set(at, [...(own.get(at) ?? []), isRecord(check) ? readCheck(rest) : readCheck(check)]);
  }
  return { tasks: tasks.map((task, at) => withOwn(task, own.get(at) ?? [])), left };
}

function findTask(tasks: unknown[], name: unknown): number | null {
  const number = understandAs("integer", name);
  if (typeof number === "number")
    return Number.isInteger(number) && number >= 1 && number <= tasks.length ? number - 1 : null;
  const at = typeof name === "string" ? tasks.findIndex((task) => textOf(task) === name.trim()) : -1;
  return at < 0 ? null : at;
}

function textOf(task: unknown): unknown {
  const text = isRecord(task) ? task.content : task;
  return typeof text === "string" ? text.trim() : text;
}

function withOwn(task: unknown, checks: unknown[]): unknown {
  if (checks.length === 0) return task;
  const before = isRecord(task) && Array.isArray(task.checks) ? task.checks : [];
  return { content: isRecord(task) ? task.content : task, checks: [...before, ...checks] };
}

function readCheck(value: unknown): unknown {
  const given = parseJson(value);
  if (typeof given === "string") return { type: "command", run: given };
  if (!isRecord(given)) return given;
  const fields = readFields(given);
  const type = typeOf(given.type ?? given.kind, fields);
  dropFilled(fields, type);
  if (type !== "http") return { type, ...fields };
  const { start, ...address } = readAddress(fields);
  return { type, ...address, ...(start === undefined ? {} : { start: readStart(start) }) };
}

/** Without what says nothing, under the right names. */
function readFields(given: Record<string, unknown>): Record<string, unknown> {
  const nameOf = new Map(Object.entries(aliases).flatMap(([name, others]) => others.map((other) => [other, name])));
  const read: Record<string, unknown> = {};
  for (const [key, value] of Object.entries(given)) {
    if (key === "type" || key === "kind" || value === null || value === undefined || value === "") continue;
    const name = Object.hasOwn(given, nameOf.get(key) ?? key) ? key : (nameOf.get(key) ?? key);
    read[name] = readValue(name, value);
  }
  return read;
}

/** Some models fill in every field that a schema names. */
function dropFilled(fields: Record<string, unknown>, type: unknown): void {
  for (const name of ["port", "status"]) if (fields[name] === 0) delete fields[name];
  if (fields.exit_code === 0 && type !== "command") delete fields.exit_code;
  for (const name of ["clean", "pushed"]) if (fields[name] === false && type !== "git") delete fields[name];
  if (isRecord(fields.start) && (fields.start.run ?? "") === "" && fields.start.command === undefined)
    delete fields.start;
}

function readValue(name: string, value: unknown): unknown {
  if (numbers.has(name)) return understandAs("integer", value);
  if (booleans.has(name)) return understandAs("boolean", value);
  if (name === "protected") return understandAs("array", value);
  return name === "json" || name === "start" ? parseJson(value) : value;
}

function typeOf(value: unknown, fields: Record<string, unknown>): unknown {
  const word = typeof value === "string" ? value.trim().toLowerCase() : undefined;
  if (word !== undefined) return (checkTypes as readonly string[]).includes(word) ? word : (typeWords[word] ?? word);
  if (fields.run !== undefined) return "command";
  if (fields.url !== undefined || fields.port !== undefined) return "http";
  if (fields.question !== undefined) return "person";
  if (fields.clean !== undefined || fields.pushed !== undefined || fields.branch !== undefined) return "git";
  return fields.path === undefined ? value : "file";
}

/** `http://localhost:3000/x` is the sandbox's own port; `localhost:3000` and `:3000` are, too. */
function readAddress(fields: Record<string, unknown>): Record<string, unknown> {
  const { url, port, path, ...rest } = fields;
  if (typeof url !== "string") return fields;
  const at = (own: unknown, page: unknown) => ({ ...rest, port: own, ...(page === undefined ? {} : { path: page }) });
  const local = /^\s*(?:http:\/\/)?(?:localhost|127\.0\.0\.1|0\.0\.0\.0|\[::1\])?:(\d{1,5})(\/\S*)?\s*$/i.exec(url);
  if (local !== null) return at(Number(local[1]), path ?? local[2]);
  // With a port beside it, an address without a host is its path.
  return port !== undefined && url.startsWith("/") ? at(port, path ?? url) : fields;
}

function readStart(value: unknown): unknown {
  if (typeof value === "string") return { run: value };
  if (!isRecord(value)) return value;
  const run = value.run ?? value.command ?? value.cmd;
  const { command: _, cmd: _cmd, ...rest } = value;
  return { ...rest, run };
}
