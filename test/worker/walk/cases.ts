// Fills an operation in: one request of it, and which things it names where.
import { fillingOf, type Kind, type Place } from "./names.ts";
import { findIdFields, type Operation, type Parameter } from "./operations.ts";

/** A thing that a request names. */
export interface Named {
  place: Place;
  /** The parameter, or the field of the body with those that hold it: `resume.interrupt_id`. */
  name: string;
  kind: Kind;
}

export interface Case {
  operation: Operation;
  /** With its query. */
  path: string;
  headers: Record<string, string>;
  body: unknown;
  named: (Named & { value: string })[];
  /** The parameters that may be left out are left out. */
  isBare: boolean;
}

/** The value of a thing in a request. `null` leaves it out, if it can be left out. */
export type Choose = (thing: Named) => string | null;

const resumeBodies = [{ resume: [{ interrupt_id: "", status: "resolved", payload: "walked" }] }];

/** Where the example of the schema starts much work, or names too little. Empty ids are filled in. */
const bodies: Record<string, unknown[]> = {
  "POST /v1/threads/{thread_id}/runs": [{ message: "[[text walked]]" }],
  "POST /v1/threads/{thread_id}/runs/stream": [{ message: "[[text walked]]" }],
  "POST /v1/threads/{thread_id}/runs/{invocation_id}/resume": resumeBodies,
  "POST /v1/threads/{thread_id}/runs/{invocation_id}/resume/stream": resumeBodies,
  "PATCH /v1/threads/{thread_id}/tasks": [
    { operations: [{ op: "create", section_id: "", task_contents: ["walked"] }] },
    { operations: [{ op: "update", task_ids: [""], section_id: "", content: "walked" }] },
    { operations: [{ op: "delete", task_ids: [""], section_ids: [""], confirm: true }] },
  ],
  "PATCH /v1/triggers/{trigger_id}": [{ prompt: "walked" }],
  // An agent needs no field that names something, but all that are shown.
  "PATCH /v1/agents/{agent_id}": [{ name: "walked", instructions: "walked" }],
};

/** Those of AG-UI clients: a message, a tool's result, and an answer to an interrupt. */
const agUiBodies = [
  { messages: [{ role: "user", id: "", content: "[[text walked]]" }], tools: [{ name: "" }], context: [] },
  { messages: [{ role: "tool", id: "", toolCallId: "", content: "walked" }] },
  // A known `runId` would attach to its run.
  { runId: "run-of-the-answer", resume: [{ interruptId: "", status: "resolved", payload: "walked" }] },
];

interface Body {
  value: unknown;
  /** It is written for the walk: ids that it has stay as they are. */
  isOurs: boolean;
}

function bodiesOf({ name, path, body }: Operation): Body[] {
  if (body === null) return [{ value: undefined, isOurs: true }];
  if (body === "bytes") return [{ value: "walked", isOurs: true }];
  const ours = path.startsWith("/ag-ui") ? agUiBodies : bodies[name];
  if (ours !== undefined) return ours.map((value) => ({ value, isOurs: true }));
  if (body.example !== undefined) return [{ value: body.example, isOurs: false }];
  throw new Error(`${name}: its body has no example. Give its schema one, or add a body to cases.ts.`);
}

/** One case for each body, and one without options. Throws for a name that is not known, and for a field that no body fills in. */
export function casesOf(operation: Operation, choose: Choose): Case[] {
  const fields = operation.body === null || operation.body === "bytes" ? [] : findIdFields(operation.body);
  const missing = new Set(fields.filter((field) => fillingOf(operation.name, "body", field) !== null));
  const cases = bodiesOf(operation).map((body) => caseOf(operation, body, fields, missing, choose));
  const [field] = missing;
  const required = operation.parameters.filter((parameter) => parameter.in !== "query" || parameter.required);
  const bare = required.length < operation.parameters.length ? cases.slice(0, 1) : [];
  if (field === undefined) return [...cases, ...bare.map((full) => withoutOptions(full, required))];
  throw new Error(
    `${operation.name}: no body of the walk has the field ${field}. Add a body with it to cases.ts in test/worker/walk.`,
  );
}

/** Options change what an operation does, so it is asked without them too. */
function withoutOptions(full: Case, required: Parameter[]): Case {
  const [path = "", query] = full.path.split("?");
  const left = [...new URLSearchParams(query)].filter(([key]) => required.some(({ name }) => name === key));
  const named = full.named.filter(({ place, name }) => place === "body" || required.some((of) => of.name === name));
  return { ...full, path: left.length > 0 ? `${path}?${new URLSearchParams(left)}` : path, named, isBare: true };
}

function caseOf(operation: Operation, example: Body, fields: string[], missing: Set<string>, choose: Choose): Case {
  const named: Case["named"] = [];
  const fill = (place: Place, name: string): string | null => {
    missing.delete(name);
    const filling = fillingOf(operation.name, place, name);
    if (filling === null || "value" in filling) return filling?.value ?? null;
    const thing = { place, name, kind: filling.kind };
    const value = choose(thing);
    if (value !== null) named.push({ ...thing, value });
    return value;
  };
  let path = operation.path;
  const query = new URLSearchParams();
  const headers: Record<string, string> = {};
  for (const { in: place, name } of operation.parameters) {
    const value = fill(place, name);
    if (place === "path") path = path.replace(`{${name}}`, encodeURIComponent(value ?? ""));
    else if (value !== null && place === "query") query.set(name, value);
    else if (value !== null) headers[name] = value;
  }
  const body = fillBody(example, fields, (field) => fill("body", field));
  if (body !== undefined)
    headers["content-type"] = operation.body === "bytes" ? "application/octet-stream" : "application/json";
  return { operation, path: query.size > 0 ? `${path}?${query}` : path, headers, body, named, isBare: false };
}

/** Replaces the ids of a body, and adds those that it lacks at its top. */
function fillBody({ value: example, isOurs }: Body, fields: string[], fill: (field: string) => string | null): unknown {
  const replace = (value: unknown, path: string[]): unknown => {
    if (Array.isArray(value)) return value.map((item) => replace(item, path));
    if (typeof value === "object" && value !== null) {
      const entries = Object.entries(value).map(([key, inner]) => [key, replace(inner, [...path, key])] as const);
      return Object.fromEntries(entries.filter(([, inner]) => inner !== null));
    }
    const field = path.join(".");
    return fields.includes(field) && (value === "" || !isOurs) ? fill(field) : value;
  };
  if (typeof example !== "object" || example === null) return example;
  const absent = fields.filter((field) => !field.includes(".") && !(field in example));
  return replace({ ...Object.fromEntries(absent.map((field) => [field, ""])), ...example }, []);
}

export function describeCase({ operation, named, isBare }: Case): string {
  const things = named.map(({ name, value }) => `${name}=${value}`);
  return `${operation.name} (${[...things, ...(isBare ? ["without options"] : [])].join(", ")})`;
}
