// Runs checks of tasks again, for a person, at any time after the run. It answers at once, and what was seen is in the
// plan and the thread's stream; with `?wait=1` it answers when all have run.
import { z } from "@hono/zod-openapi";
import { fail, type Result } from "../../../protocol/error.ts";
import { newId } from "../../../protocol/ids.ts";
import { type CheckRun, type CheckRunRequest, checkRun, checkRunBody } from "../../../protocol/plan/check-run.ts";
import type { ThreadKey } from "../../../protocol/thread.ts";
import { callThread } from "../../../thread/stub.ts";
import { keepTraceParent } from "../../../traces/span.ts";
import { audited } from "../../audit.ts";
import type { App, AppContext } from "../../context.ts";
import { problemOf, unwrap } from "../../errors.ts";
import { hopsHeader, readChain } from "../../hops.ts";
import { whileKeyHolds } from "../../key-watch.ts";
import { addOperation } from "../../operation.ts";
import { keyOf } from "../../ownership.ts";
import { takeOne } from "../../quotas/quotas.ts";
import { threadParams } from "../../schemas.ts";
import { countOpen } from "../../stream.ts";
import * as examples from "../plan/examples.ts";

const tag = "Threads";
const path = "/v1/threads/{thread_id}/checks/run";
// As long as those of one task may take. Whoever has more of them asks again.
const WAIT_MS = 5 * 60_000;

const answer = () => z.object(checkRun().shape).openapi("CheckRun", { example: examples.checkRun });
const body = () => checkRunBody().openapi({ example: { task_ids: [examples.checkRun.task_ids[0] ?? ""] } });
const query = z.strictObject({
  wait: z
    .enum(["0", "1", "false", "true"])
    .optional()
    .openapi({ description: "`1`: answer when all have run, or after five minutes." }),
});

export function addChecks(app: App): void {
  addOperation(
    app,
    {
      method: "post",
      path,
      scope: "run",
      tag,
      summary: "Run checks again",
      description:
        "Runs the checks of tasks in the project's sandbox, without a model and whatever the tasks' status. Receipts name no run. 409 `busy` while a run, or another such request, is active; a run that begins ends it. Checks that ask a person take your `answers`. The same `check_run_id` with the same body is the same request, as long as it is the thread's last.",
      params: threadParams,
      query,
      headers: z.object({ "taskloom-hops": hopsHeader }),
      body,
      answers: {
        200: { description: "They have ended.", schema: answer },
        202: { description: "They run.", schema: answer },
      },
      problems: ["not_found", "busy", "idempotency_conflict", "invalid_operation", "overloaded"],
      records: ["checks.run"],
    },
    async (context, { params, query, body }) => {
      const key = keyOf(context, params.thread_id);
      // It is as much work as a run that starts, and no live run.
      const refusal = await takeOne(context.env, context.get("caller"), "runs_per_minute");
      if (refusal !== null) throw problemOf(refusal);
      const { chain } = unwrap(readChain(context));
      const request = {
        check_run_id: body.check_run_id ?? newId("chk"),
        ...{ task_ids: body.task_ids ?? null, answers: body.answers ?? [], key_id: context.get("caller").key_id },
        ...(chain && { hops: chain.hops }),
        ...keepTraceParent(context.get("config").traces, context.req.header("traceparent")),
      };
      const ask = () => callThread(context.env, key, (stub) => stub.callChecks(key, { kind: "start", request }));
      const start = () => (request.answers.length === 0 ? ask() : recordAnswers(context, request, ask));
      if (query.wait !== "1" && query.wait !== "true") return answerWith(context, knownOf(await start()));
      const close = countOpen(context, "streams", WAIT_MS);
      try {
        const started = knownOf(await start());
        return answerWith(context, started.status === "running" ? await untilEnd(context, key, started) : started);
      } finally {
        close();
      }
    },
  );
  addOperation(
    app,
    {
      method: "delete",
      path,
      scope: "run",
      counts: "request",
      tag,
      summary: "End checks that were run again",
      description: "What runs is ended and leaves no receipts.",
      params: threadParams,
      answers: { 204: { description: "None runs any more." } },
      problems: ["not_found", "overloaded"],
    },
    async (context, { params }) => {
      const key = keyOf(context, params.thread_id);
      unwrap(await callThread(context.env, key, (stub) => stub.callChecks(key, { kind: "cancel" })));
      return context.body(null, 204);
    },
  );
}

/**
 * Who said yes is in no receipt. To look again decides nothing, so it needs no entry and works with a full database.
 */
function recordAnswers(
  context: AppContext,
  { answers }: CheckRunRequest,
  ask: () => Promise<Result<CheckRun | null>>,
): Promise<Result<CheckRun | null>> {
  const target = context.req.param("thread_id") ?? null;
  return audited(context, { action: "checks.run", target, details: { answers: answers.length } }, async (notes) => {
    const asked = await ask();
    if (!asked.ok) notes.refused = asked.error.code;
    return asked;
  });
}

async function untilEnd(context: AppContext, key: ThreadKey, { check_run_id }: CheckRun): Promise<CheckRun> {
  const call = { kind: "wait" as const, check_run_id, timeout_ms: WAIT_MS };
  const wait = () => callThread(context.env, key, (stub) => stub.callChecks(key, call));
  return knownOf(await whileKeyHolds(context, wait));
}

function knownOf(result: Result<CheckRun | null>): CheckRun {
  return unwrap(result) ?? unwrap(fail("not_found", "These checks are not known any more."));
}

function answerWith(context: AppContext, run: CheckRun): Response {
  return context.json(run, run.status === "running" ? 202 : 200);
}
