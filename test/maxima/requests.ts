// The requests of an operation at its maxima. The same are sent each time: what differs is the ids of what is new.
import { type Case, casesOf } from "../worker/walk/cases.ts";
import type { Things } from "../worker/walk/names.ts";
import type { Operation } from "../worker/walk/operations.ts";
import { rawBodies, vary } from "./bodies.ts";
import { alphabets, fill } from "./texts.ts";

export interface Sent {
  operation: Operation;
  what: string;
  path: string;
  headers: Record<string, string>;
  body: string | null;
  /** The thread of its own must be there before. */
  needsThread: boolean;
}

/** Stands for an id that is new with each request. */
export const FRESH = "fresh-0000000";

/** Where the caller names something new. */
const isNew = (operation: Operation, place: string, kind: string): boolean =>
  (kind === "invocation_id" && place !== "path") ||
  (kind === "message_id" && place === "body") ||
  (kind === "thread_id" &&
    (place === "body" || /\/runs(\/stream)?$/.test(operation.path)) &&
    operation.method !== "GET") ||
  (["project_id", "agent_id"].includes(kind) &&
    place === "body" &&
    operation.path === `/v1/${kind.replace("_id", "s")}`);

/** What `src/http/body.ts` takes. */
const BODY_BYTES = 1024 * 1024;
/** The rest of the body has this much. */
const REST_BYTES = 2_048;
/** workerd refuses longer heads itself. */
const HEAD_CHARACTERS = 16_000;
/** Of an operation's bodies, and of its heads. */
const MAX_BODIES = Number(process.env.MAX_BODIES ?? 70);
/** A plan has checks in tasks in sections in operations. */
const PLAN_TIMES = 4;
const MAX_HEADS = 14;

const headers = ["authorization", "cookie", "last-event-id", "idempotency-key", "accept", "content-type", "origin"];
const headAlphabets = [
  ...alphabets.filter(({ unit }) => /^[\x20-\x7e]+$/.test(unit)),
  { name: "empty pairs", unit: "; " },
  { name: "pairs", unit: "a=b; " },
  { name: "commas", unit: "," },
];

export function* requestsOf(operation: Operation, things: Things): Generator<Sent> {
  const cases = casesOf(operation, ({ kind, place }) => (isNew(operation, place, kind) ? FRESH : things[kind]));
  for (const of of cases) yield asItIs(of);
  yield* choose(() => cases.slice(0, 1).flatMap((of) => [...headsOf(of)]), MAX_HEADS, operation.name.length);
  const most = operation.path.endsWith("/tasks") ? PLAN_TIMES * MAX_BODIES : MAX_BODIES;
  for (const make of choose(() => allBodies(cases), most, 0)) yield make();
  const [plain] = cases;
  if (operation.path === "/ag-ui" && plain !== undefined) yield* historiesOf(asItIs(plain), things.thread_id);
  if (operation.path.endsWith("/tasks") && operation.method === "PATCH" && plain !== undefined)
    yield planAgain(asItIs(plain));
}

/** The last task of a full plan is planned again as often as an edit may: all others are before it. */
function planAgain(plain: Sent): Sent {
  const create = (tasks: string[]) => ({ op: "create", sections: [{ title: "s", tasks }] });
  const all = create(Array.from({ length: 500 }, (_, at) => `t${at}`));
  const again = create(Array<string>(1_000).fill("t499"));
  const operations = [all, ...Array<object>(99).fill(again)];
  const path = `/v1/threads/${FRESH}/tasks`;
  return { ...plain, what: "a task planned again", path, body: JSON.stringify({ operations }), needsThread: true };
}

/** Whole histories of as many messages as a body holds, in a new thread and in one that has most of them. */
function* historiesOf(plain: Sent, known: string): Generator<Sent> {
  const messages: Record<string, (id: string) => object> = {
    user: (id) => ({ role: "user", id, content: "x" }),
    assistant: (id) => ({ role: "a", id }),
    tool: (id) => ({ role: "tool", id, toolCallId: id, content: "" }),
  };
  for (const [role, make] of Object.entries(messages)) {
    for (const threadId of [FRESH, known]) {
      // Ours are letters, digits, `_` and `-`; any other has to be derived.
      for (const letter of ["m", "."]) {
        const count = Math.floor((BODY_BYTES - REST_BYTES) / (JSON.stringify(make(`${letter}12345`)).length + 1));
        const history = Array.from({ length: count }, (_, at) => make(`${letter}${at}`));
        const last = { role: "user", id: `${FRESH}-last`, content: "x" };
        for (const body of [
          { threadId, runId: FRESH, messages: [...history, last] },
          { threadId, runId: FRESH, messages: history.toReversed() },
        ]) {
          const what = `${count} messages of a ${role} ${letter}, ${threadId === known ? "known thread" : "new thread"}`;
          yield { ...plain, what, body: JSON.stringify(body) };
        }
      }
    }
  }
}

function* allBodies(cases: Case[]): Generator<() => Sent> {
  for (const of of cases) yield* bodiesOf(of);
}

/** Of more, so many that are as far from each other: the same each time. */
function* choose<T>(list: () => Iterable<T>, most: number, from: number): Generator<T> {
  let count = 0;
  for (const _ of list()) count += 1;
  const step = Math.max(1, count / most);
  let [place, next] = [0, count > most ? from % step : 0];
  for (const each of list()) {
    if (place >= next) {
      yield each;
      next += step;
    }
    place += 1;
  }
}

function asItIs({ operation, path, headers, body }: Case): Sent {
  const text = body === undefined ? null : typeof body === "string" ? body : JSON.stringify(body);
  return { operation, what: "as it is", path, headers, body: text, needsThread: false };
}

function* headsOf(of: Case): Generator<Sent> {
  const plain = asItIs(of);
  const [path = ""] = plain.path.split("?");
  const declared = of.operation.parameters.flatMap(({ in: place, name }) => (place === "query" ? [name] : []));
  const own = of.operation.parameters.flatMap(({ in: place, name }) => (place === "header" ? [name] : []));
  for (const [at, alphabet] of headAlphabets.entries()) {
    const value = fill(alphabet, HEAD_CHARACTERS, HEAD_CHARACTERS);
    // Each operation has each alphabet, and each header some: how a header is read does not depend on the operation.
    const name = headers[(at + of.operation.name.length) % headers.length] ?? "";
    for (const header of new Set([name, ...(at % 3 === 0 ? own : [])])) {
      yield { ...plain, what: `${header}: ${alphabet.name}`, headers: { ...plain.headers, [header]: value } };
    }
    const field = declared[at % Math.max(1, declared.length)] ?? "unknown";
    const query = new URLSearchParams({ [field]: value.slice(0, 5_000) });
    yield { ...plain, what: `?${field}: ${alphabet.name}`, path: `${path}?${query}` };
  }
  yield { ...plain, what: "?& alone", path: `${path}?${"&".repeat(HEAD_CHARACTERS)}` };
  yield { ...plain, what: "?% alone", path: `${path}?${"%".repeat(HEAD_CHARACTERS)}` };
  const names = Array.from({ length: 3_000 }, (_, at) => `k${at.toString(36)}`).join("&");
  yield { ...plain, what: "?3000 names", path: `${path}?${names}` };
  const [parameter] = of.operation.parameters.filter(({ in: place }) => place === "path");
  if (parameter === undefined) return;
  for (const text of ["x", "%20", "%2F", "..%2F", "%F0%9F%98%80", "%25"]) {
    const long = of.operation.path.replace(`{${parameter.name}}`, text.repeat(HEAD_CHARACTERS / text.length));
    yield { ...plain, what: `/${parameter.name} of ${text}`, path: long.replaceAll(/\{\w+\}/g, "x") };
  }
}

function* bodiesOf(of: Case): Generator<() => Sent> {
  const { operation } = of;
  if (operation.body === null) return;
  const plain = asItIs(of);
  for (const { what, make } of rawBodies(BODY_BYTES)) yield () => ({ ...plain, what, body: make() });
  if (operation.body === "bytes") return;
  for (const { what, make } of vary(operation.body, of.body, BODY_BYTES - REST_BYTES)) {
    yield () => ({ ...plain, what, body: JSON.stringify(make()) });
    if (!operation.path.endsWith("/tasks")) continue;
    // A plan with room takes what a full one refuses.
    const path = `/v1/threads/${FRESH}/tasks`;
    yield () => ({ ...plain, what: `${what}, no plan`, path, body: JSON.stringify(make()), needsThread: true });
  }
}
