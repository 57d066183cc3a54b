// A stand-in for the namespace of thread objects. It keeps threads and runs in memory, writes them to D1 as the real
// one does, and records each call. So tests see what the routes pass on and how they answer.

import { editPlan } from "../../src/agent/plan/edits.ts";
import type { Env } from "../../src/config.ts";
import { diagnostics, waitingMessage } from "../../src/http/examples.ts";
import { type Failure, fail, type Result, succeed } from "../../src/protocol/error.ts";
import type { CheckRun } from "../../src/protocol/plan/check-run.ts";
import { noUsage, type Run } from "../../src/protocol/run.ts";
import type { RunInput, Thread, ThreadApi, ThreadKey } from "../../src/protocol/thread.ts";
import { deleteThread } from "../../src/store/retention/removal.ts";
import { syncThread } from "../../src/store/sync.ts";
import { type Opener, readOpener } from "../../src/thread/stream/ended-keys.ts";

export interface Asked {
  method: string;
  /** Without the key that asks. */
  url?: string;
  opener?: Opener | null;
  input?: unknown;
}

interface Known {
  thread: Thread;
  runs: Map<string, Run>;
}

export const at = "2026-11-24T10:00:00.000Z";

export function makeRun(key: ThreadKey, part: Partial<Run> = {}): Run {
  return {
    invocation_id: "inv-001",
    ...key,
    project_id: "proj-of-thread",
    agent_id: "agent_default",
    agent_version: 1,
    model: "scripted-demo",
    instance_id: null,
    status: "running",
    attempt: 1,
    steps: 0,
    background: false,
    resumes: null,
    metadata: {},
    usage: noUsage,
    result: null,
    error: null,
    interrupts: [],
    hops: 0,
    caused_by: [],
    created_at: at,
    started_at: null,
    finished_at: null,
    ...part,
  };
}

export class FakeThreads {
  readonly asked: Asked[] = [];
  /** What the next call answers or throws in place of its usual answer. */
  next: { failure: Failure } | { error: unknown } | null = null;
  /** False: D1 can't be synchronized right now. */
  isCurrent = true;
  readonly #known = new Map<string, Known>();
  readonly #db: D1Database;

  constructor(db: D1Database) {
    this.#db = db;
  }

  /** `env` with this in place of the objects. */
  within(env: Env, settings: Partial<Env> = {}): Env {
    const namespace = {
      idFromName: (name: string) => name,
      get: (name: string) => this.#open(name),
    };
    return { ...env, ...settings, THREADS: namespace as unknown as Env["THREADS"] };
  }

  #open(name: string): ThreadApi & { fetch(request: Request): Promise<Response> } {
    const [user_id = "", thread_id = ""] = name.split("/");
    const own = { user_id, thread_id };
    const run = async <T>(method: string, input: unknown, answer: () => Promise<Result<T>>): Promise<Result<T>> => {
      this.asked.push({ method, input });
      const { next } = this;
      this.next = null;
      if (next && "error" in next) throw next.error;
      return next ? { ok: false, error: next.failure } : await answer();
    };
    const known = () => this.#known.get(name);
    const missing = fail("not_found", "There is no such thread.");
    const withRun = async (id: string): Promise<Result<Run>> => {
      const found = known()?.runs.get(id);
      return found ? succeed(found) : fail("not_found", "There is no such run.");
    };
    return {
      create: (input) =>
        run("create", input, async () => {
          if (known()) return fail("already_exists", "There is such a thread.");
          return succeed(await this.#make(own, input.project_id, input.title, input.agent_id, input.metadata));
        }),
      update: (_key, patch) =>
        run("update", patch, async () => {
          const found = known();
          if (!found) return missing;
          Object.assign(found.thread, patch);
          await syncThread(this.#db, {
            key: own,
            project: null,
            thread: { ...found.thread, version: 2 },
            messages: [],
            runs: [],
          });
          return succeed(found.thread);
        }),
      remove: (key) =>
        run("remove", key, async () => {
          if (!this.#known.delete(name)) return missing;
          await deleteThread(this.#db, own, Date.now());
          return succeed(null);
        }),
      accept: (input) => run("accept", input, async () => succeed(await this.#accept(name, own, input))),
      sync: (key) => run("sync", key, async () => (known() ? succeed(true) : missing)),
      expire: (_key, before) => run("expire", before, async () => succeed(false)),
      closeLeases: (_key, lease_ids) => run("closeLeases", lease_ids, async () => succeed([])),
      readThread: (key) =>
        run("readThread", key, async () => {
          const found = known();
          if (!found) return missing;
          const last = [...found.runs.values()].at(-1);
          return succeed({
            ...found.thread,
            last_run: last ? { invocation_id: last.invocation_id, status: last.status } : null,
          });
        }),
      readPlan: (key) =>
        run("readPlan", key, async () => (known() ? succeed({ version: 0, sections: [], tasks: [] }) : missing)),
      readLedger: (key) =>
        run("readLedger", key, async () =>
          known() ? succeed({ plan: { version: 0, sections: [], tasks: [] }, ledger: {} }) : missing,
        ),
      editPlan: (_key, request) =>
        run("editPlan", request, async () => {
          if (!known()) return missing;
          const edited = editPlan({ version: 0, sections: [], tasks: [] }, request.operations);
          return edited.ok ? succeed(edited.plan) : fail("invalid_operation", edited.message);
        }),
      callChecks: (_key, call) =>
        run("callChecks", call, async () => {
          if (!known()) return missing;
          const check_run_id = call.kind === "start" ? call.request.check_run_id : "checks_1";
          const run: CheckRun = {
            ...{ check_run_id, thread_id: own.thread_id, status: "running", reason: null, task_ids: ["task_1"] },
            ...{ receipt_ids: [], created_at: new Date().toISOString(), finished_at: null },
          };
          return succeed(call.kind === "start" ? run : { ...run, status: "completed", finished_at: run.created_at });
        }),
      readMessages: (_key, request) =>
        run("readMessages", request, async () =>
          known() ? succeed({ data: [], next_cursor: null, is_cut: false }) : missing,
        ),
      readInbox: (key) => run("readInbox", key, async () => (known() ? succeed([waitingMessage]) : missing)),
      changeWaiting: (key) => run("changeWaiting", key, async () => (known() ? succeed(waitingMessage) : missing)),
      removeWaiting: (key) => run("removeWaiting", key, async () => (known() ? succeed(null) : missing)),
      readRuns: (key) =>
        run("readRuns", key, async () =>
          known() ? succeed({ data: [...(known()?.runs.values() ?? [])].reverse(), next_cursor: null }) : missing,
        ),
      getRun: (_key, id) => run("getRun", id, () => withRun(id)),
      waitForEnd: (_key, id, timeout) =>
        run("waitForEnd", { id, timeout }, async () => {
          const found = await withRun(id);
          return found.ok ? succeed({ ...found.value, status: "completed" }) : found;
        }),
      waitForStream: async () => succeed(null),
      cancel: (_key, id) => run("cancel", id, () => withRun(id)),
      resumeStaleRuns: (key, ids) =>
        run("resumeStaleRuns", key, async () => succeed(ids.filter((id) => !known()?.runs.has(id)))),
      start: (_key, id) => run("start", id, async () => succeed(null)),
      failDeadLetteredRun: (_key, id) => run("failDeadLetteredRun", id, async () => succeed(null)),
      diagnose: () => run("diagnose", null, async () => (known() ? succeed(diagnostics) : missing)),
      fetch: async (request) => {
        const input = request.method === "POST" ? await request.json() : undefined;
        const url = new URL(request.url);
        const opener = readOpener(url.searchParams, Date.now());
        for (const name of ["key_id", "key_age"]) url.searchParams.delete(name);
        this.asked.push({ method: `fetch ${request.method}`, url: url.href, input, opener });
        const { next } = this;
        this.next = null;
        if (next && "failure" in next) return Response.json({ error: next.failure }, { status: 409 });
        // The AG-UI routes recognize a stream's end by its last event.
        const end = url.searchParams.has("known") ? 'id: 2\ndata: {"type":"RUN_FINISHED"}\n\n' : "";
        return new Response(`retry: 1000\nid: 1\ndata: {"type":"RUN_STARTED"}\n\n${end}`, {
          headers: { "content-type": "text/event-stream" },
        });
      },
    };
  }

  async #make(
    key: ThreadKey,
    project_id: string | null,
    title: string | null,
    agent_id: string | null,
    metadata: Record<string, unknown>,
  ): Promise<Thread> {
    const thread: Thread = {
      ...key,
      project_id: project_id ?? "proj-of-thread",
      title,
      agent_id: agent_id ?? "agent_default",
      metadata,
      created_at: at,
      updated_at: at,
    };
    this.#known.set(`${key.user_id}/${key.thread_id}`, { thread, runs: new Map() });
    await syncThread(this.#db, { key, project: null, thread: { ...thread, version: 1 }, messages: [], runs: [] });
    return thread;
  }

  async #accept(name: string, key: ThreadKey, input: RunInput): Promise<{ run: Run; created: boolean }> {
    if (!this.#known.has(name)) await this.#make(key, null, null, null, {});
    const runs = this.#known.get(name)?.runs ?? new Map<string, Run>();
    const found = runs.get(input.invocation_id);
    if (found) return { run: found, created: false };
    const run = makeRun(key, { invocation_id: input.invocation_id, metadata: input.metadata });
    runs.set(run.invocation_id, run);
    await syncThread(this.#db, { key, project: null, thread: null, messages: [], runs: [{ ...run, version: 1 }] });
    return { run, created: true };
  }

  /** Ends a run with the given fields. */
  async end(key: ThreadKey, invocation_id: string, part: Partial<Run>): Promise<void> {
    const found = this.#known.get(`${key.user_id}/${key.thread_id}`)?.runs.get(invocation_id);
    if (found) Object.assign(found, part);
  }
}
