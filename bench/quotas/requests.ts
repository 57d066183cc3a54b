// The requests of a user at its quotas: those that are refused and those that are let in, each kind alone.
import type { LimitName, QuotaName, Quotas } from "../../src/protocol/money/quotas.ts";
import { writeOrder } from "../load/order.ts";

/** What one client sends again and again. `{n}` is a number that is new each time. */
export interface Sent {
  method: string;
  path: string;
  body?: string;
  /** Null: none is sent. Each `{n}` makes another one. */
  key?: string | null;
  accept?: string;
  /** Left once the answer has begun. */
  isLeft?: true;
}

export interface Kind {
  title: string;
  sent: Sent;
  status: number;
  /** What the user's quotas are; the others are far above what is sent. */
  quotas?: Quotas;
  /** For one that is let in: the quota that limits it. */
  limit?: LimitName;
  /** How many are measured. */
  count: number;
  /** How many at once, if not eight. */
  at_once?: number;
}

/** Near the limit of an agent's instructions. */
const LONG = "x".repeat(49_000);
const run = JSON.stringify({ message: writeOrder({ tokens: 50, rate: 0, steps: 0 }) });
const longRun = JSON.stringify({ message: LONG });
const version = JSON.stringify({ instructions: `${LONG}{n}` });
const title = JSON.stringify({ title: "{n}" });

const REFUSED = 1_500;
const LET_IN = 500;
const WORK = 200;

const refusedKind = (title: string, sent: Sent, quota: QuotaName): Kind => ({
  ...{ title, sent, status: 429, quotas: { [quota]: 0 }, count: REFUSED },
});

export const guessed: Kind = {
  title: "guessed keys",
  sent: { method: "GET", path: "/v1/threads", key: `tl_${"0".repeat(20)}{n}_${"0".repeat(40)}` },
  ...{ status: 429, count: REFUSED },
};

export const refused: Kind[] = [
  { title: "no key", sent: { method: "GET", path: "/v1/threads", key: null }, status: 401, count: REFUSED },
  {
    title: "a wrong key, again and again",
    sent: { method: "GET", path: "/v1/threads", key: `tl_${"0".repeat(26)}_${"0".repeat(40)}` },
    ...{ status: 401, count: REFUSED },
  },
  { title: "a path that is not there", sent: { method: "GET", path: "/v1/nothing" }, status: 404, count: REFUSED },
  refusedKind("a read", { method: "GET", path: "/v1/threads" }, "requests_per_minute"),
  refusedKind("a change", { method: "PATCH", path: "/v1/threads/t-0", body: title }, "requests_per_minute"),
  refusedKind(
    "a change of 49 kB",
    { method: "PATCH", path: "/v1/agents/a-{ten}", body: version },
    "requests_per_minute",
  ),
  refusedKind("a run", { method: "POST", path: "/v1/threads/t-0/runs", body: run }, "runs_per_minute"),
  refusedKind("a run of 49 kB", { method: "POST", path: "/v1/threads/t-0/runs", body: longRun }, "runs_per_minute"),
  refusedKind("a run beside too many", { method: "POST", path: "/v1/threads/t-0/runs", body: run }, "runs_at_once"),
  refusedKind("a stream", { method: "GET", path: "/v1/threads/t-0/events" }, "requests_per_minute"),
];

export const letIn: Kind[] = [
  {
    title: "a list of threads",
    sent: { method: "GET", path: "/v1/threads" },
    ...{ status: 200, limit: "requests_per_minute", count: LET_IN },
  },
  {
    title: "messages of a thread",
    sent: { method: "GET", path: "/v1/threads/t-0/messages" },
    ...{ status: 200, limit: "requests_per_minute", count: LET_IN },
  },
  {
    title: "a stream, opened and left",
    sent: { method: "GET", path: "/v1/threads/t-{ten}/events", isLeft: true },
    ...{ status: 200, limit: "requests_per_minute", count: WORK },
  },
  {
    title: "a thread's title",
    sent: { method: "PATCH", path: "/v1/threads/t-0", body: title },
    ...{ status: 200, limit: "changes_per_minute", count: LET_IN },
  },
  {
    title: "a new thread",
    sent: { method: "POST", path: "/v1/threads", body: "{}" },
    ...{ status: 201, limit: "changes_per_minute", count: WORK },
  },
  {
    title: "an agent's version of 49 kB",
    // An agent takes a thousand versions.
    sent: { method: "PATCH", path: "/v1/agents/a-{ten}", body: version },
    ...{ status: 200, limit: "agent_versions_per_minute", count: WORK, at_once: 1 },
  },
  {
    title: "a run of 50 tokens, streamed",
    sent: { method: "POST", path: "/v1/threads/t-{ten}/runs", body: run, accept: "text/event-stream" },
    ...{ status: 200, limit: "runs_per_minute", count: WORK },
  },
  {
    title: "the same in a new thread",
    sent: { method: "POST", path: "/v1/threads/new-{n}/runs", body: run, accept: "text/event-stream" },
    ...{ status: 200, limit: "runs_per_minute", count: WORK },
  },
];
