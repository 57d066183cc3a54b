// What is wrong with an input, in one sentence.
import type { z } from "zod";
import type { Failure } from "../../protocol/error.ts";

type Issue = z.core.$ZodIssue;

/** More names than that help nobody. */
const MAX_KNOWN = 40;

/**
 * Says in one sentence what is wrong with an input. Names the field, and never quotes a value, which may be a secret.
 * `schema`: what refused the input. A field that it does not know is answered with those that it knows. `value`: the
 * input, in which a field may be missing.
 */
export function toFailure(error: z.ZodError, schema?: z.ZodType, value?: unknown): Failure {
  const issues = error.issues.flatMap((issue) => flatten(issue, []));
  const unknown = issues.find((issue) => issue.names !== null);
  if (unknown?.names) {
    const names = unknown.names.map((name) => JSON.stringify(showPath([...unknown.path, name])));
    const known = unknown.path.length === 0 ? describeKnown(schema) : "";
    return { code: "unknown_field", detail: `not known: ${names.join(", ").slice(0, 500)}${known}` };
  }
  const [first] = issues;
  const place = first && first.path.length > 0 ? `${showPath(first.path)}: ` : "";
  const message = first?.message ?? "not valid";
  return { code: "invalid_field", detail: `${place}${isMissing(value, first) ? describeMissing(message) : message}` };
}

function isMissing(value: unknown, issue: FlatIssue | undefined): boolean {
  if (value === undefined || issue === undefined || issue.path.length === 0) return false;
  const read = (within: unknown, key: PropertyKey) =>
    (within as Record<PropertyKey, unknown> | null | undefined)?.[key];
  return issue.path.reduce(read, value) === undefined;
}

/** The parser says what it expected, and that it received `undefined`, which no JSON has. */
function describeMissing(message: string): string {
  const [, expected] = /(expected .*?)(?:, received undefined)?$/s.exec(message) ?? [];
  return expected === undefined ? "is missing" : `is missing: ${expected}`;
}

function describeKnown(schema: z.ZodType | undefined): string {
  if (schema === undefined || !("shape" in schema)) return "";
  const names = Object.keys(schema.shape as object);
  if (names.length > MAX_KNOWN) return "";
  return names.length === 0 ? " (there are none here)" : ` (known: ${names.join(", ")})`;
}

interface FlatIssue {
  path: PropertyKey[];
  message: string;
  /** The unknown fields; null for any other issue. */
  names: PropertyKey[] | null;
}

function flatten(issue: Issue, above: PropertyKey[]): FlatIssue[] {
  const path = [...above, ...issue.path];
  if (issue.code === "unrecognized_keys") return [{ path, message: issue.message, names: issue.keys }];
  if (issue.code !== "invalid_union") return [{ path, message: issue.message, names: null }];
  const expected = issue.errors.map(([only, ...more]) =>
    only?.code === "invalid_type" && only.path.length === 0 && more.length === 0 ? only.expected : null,
  );
  if (expected.length > 0 && expected.every((type) => type !== null)) {
    return [{ path, message: `Invalid input: expected ${expected.join(" or ")}`, names: null }];
  }
  const nearest = nearestBranch(issue.errors);
  if (!nearest) return [{ path, message: describeKinds(issue), names: null }];
  return nearest.flatMap((inner) => flatten(inner, path));
}

function describeKinds(issue: Issue): string {
  const options = "options" in issue && Array.isArray(issue.options) ? issue.options : [];
  const names = options.filter((option) => typeof option === "string").map((name) => JSON.stringify(name));
  return names.length === 0 ? "is not of a known kind" : `is not of a known kind: expected one of ${names.join("|")}`;
}

/** Returns the issues of the branch of a union that the input most likely means: right type, fewest issues. */
function nearestBranch(branches: Issue[][]): Issue[] | undefined {
  const rank = (issues: Issue[]) => {
    const wrongType = issues.some((issue) => issue.code === "invalid_type" && issue.path.length === 0);
    const wrongKind = issues.some(
      ({ path: [key, ...deeper] }) => deeper.length === 0 && (key === "type" || key === "role"),
    );
    return (wrongType ? 1000 : 0) + (wrongKind ? 100 : 0) + issues.length;
  };
  return branches.toSorted((one, other) => rank(one) - rank(other))[0];
}

function showPath(path: PropertyKey[]): string {
  return path
    .map((key, index) => (typeof key === "number" ? `[${key}]` : `${index > 0 ? "." : ""}${String(key)}`))
    .join("");
}
