// JSON Patch (RFC 6902) as far as `STATE_DELTA` uses it: add, remove and replace. Copies values, never changes them.

/** As the protocol's type for it. */
interface PatchOperation {
  op: "add" | "remove" | "replace";
  path: string;
  value?: unknown;
}

/** Throws where a path does not exist. */
export function applyPatch<T>(value: T, operations: PatchOperation[]): T {
  const copy = { root: structuredClone(value) as unknown };
  for (const operation of operations) applyOperation(copy, operation);
  return copy.root as T;
}

function applyOperation(holder: { root: unknown }, { op, path, value }: PatchOperation): void {
  const keys = ["root", ...path.split("/").slice(1).map(unescapeKey)];
  const last = keys.pop() ?? "root";
  let parent: unknown = holder;
  for (const key of keys) parent = step(parent, key);
  if (Array.isArray(parent)) applyToList(parent, last, op, value, path);
  else applyToRecord(parent, last, op, value, path);
}

function applyToList(list: unknown[], key: string, op: PatchOperation["op"], value: unknown, path: string): void {
  const index = key === "-" && op === "add" ? list.length : Number(key);
  const lastIndex = op === "add" ? list.length : list.length - 1;
  if (!Number.isInteger(index) || index < 0 || index > lastIndex) throw new Error(`no place ${path}`);
  if (op === "add") list.splice(index, 0, value);
  else if (op === "remove") list.splice(index, 1);
  else list[index] = value;
}

function applyToRecord(record: unknown, key: string, op: PatchOperation["op"], value: unknown, path: string): void {
  if (typeof record !== "object" || record === null) throw new Error(`no place ${path}`);
  if (op !== "add" && !Object.hasOwn(record, key)) throw new Error(`no place ${path}`);
  if (op === "remove") Reflect.deleteProperty(record, key);
  // Defined rather than assigned: a key named __proto__ is an ordinary key.
  else Object.defineProperty(record, key, { value, enumerable: true, configurable: true, writable: true });
}

function step(parent: unknown, key: string): unknown {
  if (typeof parent !== "object" || parent === null || !Object.hasOwn(parent, key)) throw new Error(`no place ${key}`);
  return (parent as Record<string, unknown>)[key];
}

function unescapeKey(key: string): string {
  return key.replaceAll("~1", "/").replaceAll("~0", "~");
}
