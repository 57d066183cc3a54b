// Runs are started, resumed, read, watched and cancelled through the thread's object.
import { callThread } from "../../../thread/stub.ts";
import type { App } from "../../context.ts";
import { unwrap } from "../../errors.ts";
import { addOperation } from "../../operation.ts";
import { keyOf } from "../../ownership.ts";
import { listedRun, pageOf, pageQuery, runAnswer, runParams, threadParams } from "../../schemas.ts";
import { addAgain } from "./again.ts";
import { addResume, addStart } from "./start.ts";

const tag = "Runs";

export function addRuns(app: App): void {
  addStart(app);
  addResume(app);
  addAgain(app);
  addReadAndCancel(app);
}

function addReadAndCancel(app: App): void {
  addOperation(
    app,
    {
      method: "get",
      path: "/v1/threads/{thread_id}/runs",
      tag,
      summary: "List runs",
      description: "Newest first, without their sources.",
      params: threadParams,
      query: pageQuery,
      answers: { 200: { description: "Runs of the thread, newest first.", schema: pageOf(listedRun) } },
      problems: ["not_found", "bad_cursor"],
    },
    async (context, { params, query }) => {
      const key = keyOf(context, params.thread_id);
      const request = { limit: query.limit, cursor: query.cursor ?? null };
      return context.json(unwrap(await callThread(context.env, key, (stub) => stub.readRuns(key, request))));
    },
  );
  addOperation(
    app,
    {
      method: "get",
      path: "/v1/threads/{thread_id}/runs/{invocation_id}",
      tag,
      summary: "Read a run",
      description: "Its status, and what it used. Once it has ended: its result, its error, or what it asks.",
      params: runParams,
      answers: { 200: { description: "The run.", schema: runAnswer } },
      problems: ["not_found"],
    },
    async (context, { params }) => {
      const key = keyOf(context, params.thread_id);
      const found = await callThread(context.env, key, (stub) => stub.getRun(key, params.invocation_id));
      return context.json(unwrap(found));
    },
  );
  addOperation(
    app,
    {
      method: "post",
      path: "/v1/threads/{thread_id}/runs/{invocation_id}/cancel",
      scope: "run",
      tag,
      summary: "Cancel a run",
      description:
        "Ends the model call and the running command, and keeps the text so far. A run that waits never starts.",
      counts: "request",
      params: runParams,
      answers: { 200: { description: "The run, even if it had ended before.", schema: runAnswer } },
      problems: ["not_found"],
    },
    async (context, { params }) => {
      const key = keyOf(context, params.thread_id);
      const cancelled = await callThread(context.env, key, (stub) => stub.cancel(key, params.invocation_id));
      return context.json(unwrap(cancelled));
    },
  );
}
