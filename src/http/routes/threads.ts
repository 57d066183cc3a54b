// Threads are made, read, changed and deleted by their objects. Their list is read from D1.
import { newId } from "../../protocol/ids.ts";
import { listThreads } from "../../store/threads.ts";
import { callThread } from "../../thread/stub.ts";
import type { App } from "../context.ts";
import { unwrap } from "../errors.ts";
import { nearAnswer, nearHeaders, readNear } from "../lists/near.ts";
import { addOperation } from "../operation.ts";
import { keyOf, missing, removeThread, requireNamed, withStock } from "../ownership.ts";
import {
  diagnostics,
  pageOf,
  pageQuery,
  thread,
  threadBody,
  threadParams,
  threadPatch,
  threadWithRun,
} from "../schemas.ts";

const tag = "Threads";

export function addThreads(app: App): void {
  addCreateAndList(app);
  addReadAndDiagnose(app);
  addOperation(
    app,
    {
      method: "patch",
      path: "/v1/threads/{thread_id}",
      tag,
      summary: "Change a thread",
      description: "Absent fields stay unchanged. `metadata` is merged key by key.",
      params: threadParams,
      body: threadPatch,
      answers: { 200: { description: "The changed thread.", schema: thread } },
      problems: ["not_found"],
    },
    async (context, { params, body }) => {
      await requireNamed(context, { agent_id: body.agent_id });
      const key = keyOf(context, params.thread_id);
      return context.json(unwrap(await callThread(context.env, key, (stub) => stub.update(key, body))));
    },
  );
  addOperation(
    app,
    {
      method: "delete",
      path: "/v1/threads/{thread_id}",
      tag,
      summary: "Delete a thread",
      description: "Ends its runs. Its id can't be used again.",
      params: threadParams,
      answers: { 204: { description: "It is deleted." } },
      problems: ["not_found"],
    },
    async (context, { params }) => {
      const removed = await removeThread(context.env, keyOf(context, params.thread_id));
      if (!removed) throw missing("thread", params.thread_id);
      return context.body(null, 204);
    },
  );
}

function addCreateAndList(app: App): void {
  addOperation(
    app,
    {
      method: "post",
      path: "/v1/threads",
      scope: "run",
      tag,
      summary: "Create a thread",
      description:
        "Without a project, the thread gets a new one. A run creates its thread by itself, so you need this only to set fields.",
      body: threadBody,
      answers: { 201: { description: "The thread.", schema: thread, headers: { Location: "The thread's path." } } },
      problems: ["not_found", "already_exists", "quota_exceeded"],
    },
    async (context, { body }) => {
      await requireNamed(context, body);
      const key = keyOf(context, body.thread_id ?? newId("thread"));
      const input = {
        ...key,
        request_id: crypto.randomUUID(),
        project_id: body.project_id ?? null,
        title: body.title ?? null,
        agent_id: body.agent_id ?? null,
        metadata: body.metadata ?? {},
      };
      const wanted = { thread_id: key.thread_id, makes_project: input.project_id === null };
      const made = await withStock(context, wanted, async () =>
        unwrap(await callThread(context.env, key, (stub) => stub.create(input))),
      );
      return context.json(made, 201, { location: `/v1/threads/${made.thread_id}` });
    },
  );
  addOperation(
    app,
    {
      method: "get",
      path: "/v1/threads",
      tag,
      summary: "List threads",
      description: "Newest first, each with its newest run.",
      query: pageQuery,
      headers: nearHeaders,
      answers: { 200: { description: "Threads, newest first.", schema: pageOf(threadWithRun), headers: nearAnswer } },
      problems: ["bad_cursor"],
    },
    async (context, { query }) => {
      const request = { limit: query.limit, cursor: query.cursor ?? null };
      return context.json(
        unwrap(await readNear(context, (db) => listThreads(db, context.get("caller").user_id, request))),
      );
    },
  );
}

function addReadAndDiagnose(app: App): void {
  addOperation(
    app,
    {
      method: "get",
      path: "/v1/threads/{thread_id}",
      tag,
      summary: "Read a thread",
      description: "Includes the newest run. Messages, plan and runs have operations of their own.",
      params: threadParams,
      answers: { 200: { description: "The thread.", schema: threadWithRun } },
      problems: ["not_found"],
    },
    async (context, { params }) => {
      const key = keyOf(context, params.thread_id);
      return context.json(unwrap(await callThread(context.env, key, (stub) => stub.readThread(key))));
    },
  );
  addOperation(
    app,
    {
      method: "get",
      path: "/v1/threads/{thread_id}/diagnostics",
      tag,
      summary: "Read a thread's internal state",
      description: "Inbox, journal, position in D1, lives and last errors, without contents.",
      params: threadParams,
      answers: { 200: { description: "The thread's internal state.", schema: diagnostics } },
      problems: ["not_found"],
    },
    async (context, { params }) => {
      const key = keyOf(context, params.thread_id);
      return context.json(unwrap(await callThread(context.env, key, (stub) => stub.diagnose(key))));
    },
  );
}
