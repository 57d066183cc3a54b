// The plan of a thread: read, with each task's ledger if requested, and changed by a person.
import { z } from "@hono/zod-openapi";
import { emptyLedger } from "../../agent/plan/ledger.ts";
import { viewPlan } from "../../agent/plan/view.ts";
import { type PlanWithDetails, planDetails } from "../../protocol/plan/details.ts";
import type { Ledger } from "../../protocol/plan/ledger.ts";
import type { PlanView } from "../../protocol/plan/task.ts";
import type { ThreadKey } from "../../protocol/thread.ts";
import { callThread } from "../../thread/stub.ts";
import type { App, AppContext } from "../context.ts";
import { unwrap } from "../errors.ts";
import { hopsHeader, readChain } from "../hops.ts";
import { readWithRoom } from "../lists/room.ts";
import { addOperation } from "../operation.ts";
import { keyOf } from "../ownership.ts";
import { threadParams } from "../schemas.ts";
import { plan, planPatch, planWithLedger } from "./plan/schemas.ts";

const tag = "Threads";
const path = "/v1/threads/{thread_id}/tasks";
const query = z.strictObject({
  include: z.enum(planDetails).optional().openapi({
    description:
      "`ledger`: adds to each task what was done for it. `receipts`: adds what the server saw when it ran the task's checks, the newest 500 of the thread.",
  }),
});

export function addTasks(app: App): void {
  addOperation(
    app,
    {
      method: "get",
      path,
      tag,
      summary: "Read the plan",
      description: "Its sections and tasks, and which task is next.",
      params: threadParams,
      query,
      answers: { 200: { description: "The plan; empty with version 0 if there is none.", schema: planWithLedger } },
      problems: ["not_found"],
    },
    async (context, { params, query }) => {
      const key = keyOf(context, params.thread_id);
      const { include } = query;
      if (include === "receipts") return await answerReceipts(context, key);
      if (include === "ledger") {
        const read = unwrap(await callThread(context.env, key, (stub) => stub.readLedger(key, include)));
        return context.json(withLedger(viewPlan(read.plan), read.ledger));
      }
      const stored = unwrap(await callThread(context.env, key, (stub) => stub.readPlan(key)));
      return context.json(viewPlan(stored));
    },
  );
  addOperation(
    app,
    {
      method: "patch",
      path,
      scope: "run",
      tag,
      summary: "Change the plan",
      description:
        "Also while a run works on it: its model sees the change at its next step. Applies all operations in their order, or none. Each takes the arguments of the plan tool with its name. Tasks may be changed in any order, one is in progress at a time, and a task that has ended can't be opened again. `position` is the place of the first task in its section, from 0; the others follow it.",
      params: threadParams,
      headers: z.object({ "taskloom-hops": hopsHeader }),
      body: planPatch,
      answers: { 200: { description: "The plan as it is now.", schema: plan } },
      problems: ["not_found", "version_conflict", "invalid_operation", "overloaded"],
    },
    async (context, { params, body }) => {
      const key = keyOf(context, params.thread_id);
      const { operations, version = null } = body;
      const { chain } = unwrap(readChain(context));
      const request = { request_id: crypto.randomUUID(), version, operations, ...(chain && { hops: chain.hops }) };
      return context.json(viewPlan(unwrap(await callThread(context.env, key, (stub) => stub.editPlan(key, request)))));
    },
  );
}

function answerReceipts(context: AppContext, key: ThreadKey): Promise<Response> {
  return readWithRoom(
    context,
    async (most) => unwrap(await callThread(context.env, key, (stub) => stub.readLedger(key, "receipts", most))),
    (read) => context.json(withReceipts(viewPlan(read.plan), read)),
  );
}

function withReceipts(view: PlanView, { receipts = [], project_checks }: PlanWithDetails) {
  const own = withEach(view, ({ id }) => ({ receipts: receipts.filter(({ task_id }) => task_id === id) }));
  return { ...own, ...(project_checks && { project_checks }) };
}

function withLedger(view: PlanView, ledger: Ledger) {
  return withEach(view, ({ id }) => ({ ledger: ledger[id] ?? emptyLedger() }));
}

type TaskView = PlanView["sections"][number]["tasks"][number];

function withEach<Details extends object>(view: PlanView, detailsOf: (task: TaskView) => Details) {
  const sections = view.sections.map((section) => ({
    ...section,
    tasks: section.tasks.map((task) => ({ ...task, ...detailsOf(task) })),
  }));
  return { ...view, sections };
}
