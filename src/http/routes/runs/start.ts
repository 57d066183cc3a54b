// Starting a run, and answering what an interrupted run asked, which starts one too.
import { readTimeZone } from "../../../lib/time-zone.ts";
import { newId } from "../../../protocol/ids.ts";
import { isEmptyContent } from "../../../protocol/message.ts";
import { capsOf } from "../../../protocol/money/caps.ts";
import { newRunInput, type RunInput } from "../../../protocol/thread.ts";
import { callThread } from "../../../thread/stub.ts";
import { auditAnswers } from "../../audit/approvals.ts";
import type { App } from "../../context.ts";
import { Problem, unwrap } from "../../errors.ts";
import { hopsHeader, readChain } from "../../hops.ts";
import { keyOf, requireAgentOfRun, withStock } from "../../ownership.ts";
import { sizeOfInput } from "../../quotas/stock.ts";
import { runParams, threadParams } from "../../schemas.ts";
import { requirePrice } from "../money/price.ts";
import { addBoth } from "./both.ts";
import { type AgainBody, resumeBody, runBody, runBodyFor, startHeaders } from "./schemas.ts";

const tag = "Runs";

export function addStart(app: App): void {
  addBoth(
    app,
    {
      method: "post",
      path: "/v1/threads/{thread_id}/runs",
      scope: "run",
      tag,
      summary: "Start a run",
      counts: "run",
      description:
        "Creates the thread if it does not exist. The same `invocation_id` with the same body is the same run.",
      params: threadParams,
      headers: startHeaders.extend({ "taskloom-hops": hopsHeader }),
      body: runBody,
      bodyFor: runBodyFor,
      problems: [
        "empty_message",
        "not_found",
        "busy",
        "bad_cursor",
        "idempotency_conflict",
        "invalid_operation",
        "price_unknown",
      ],
    },
    async (context, { params, query, headers, body }) => {
      if (isEmptyContent(body.message)) throw new Problem("empty_message", "message has neither text nor an image.");
      const invocation_id = chooseInvocationId(body.invocation_id, headers["idempotency-key"], newId("inv"));
      requirePrice(context.get("config").models, body.model, body);
      await requireAgentOfRun(context, body.agent_id);
      const input = newRunInput({
        ...keyOf(context, params.thread_id),
        invocation_id,
        key_id: context.get("caller").key_id,
        messages: [{ message_id: body.message_id ?? newId("msg"), content: body.message }],
        ...(body.message_id === undefined ? { unnamed_messages: true } : {}),
        ...optionsOf(body),
        on_busy: body.on_busy,
        ...disconnectOf(body.on_disconnect, query.on_disconnect),
        ...unwrap(readChain(context)),
      });
      const wanted = { thread_id: params.thread_id, makes_project: true, bytes: sizeOfInput(input) };
      return { input, around: (accept) => withStock(context, wanted, () => accept({})) };
    },
  );
}

export function addResume(app: App): void {
  addBoth(
    app,
    {
      method: "post",
      path: "/v1/threads/{thread_id}/runs/{invocation_id}/resume",
      scope: "run",
      tag,
      summary: "Answer what an interrupted run asked",
      counts: "run",
      description:
        "The answer is a new run, whose `resumes` names the interrupted one. Every interrupt must be answered. `payload` is a string for a question, `{approved, reason?, arguments? | sections?}` for an approval or a plan, and `{approved, max_cost_usd?, max_total_tokens?, max_minutes?}` for a cap that was reached. The new run keeps the caps of the interrupted one; each cap of this request replaces the one that its request had set.",
      params: runParams,
      headers: startHeaders,
      body: resumeBody,
      problems: [
        "not_found",
        "bad_cursor",
        "interrupt_answered",
        "idempotency_conflict",
        "invalid_operation",
        "interrupts_uncovered",
      ],
      records: ["approval.approve", "approval.deny"],
    },
    async (context, { params, query, headers, body }) => {
      const key = keyOf(context, params.thread_id);
      const invocation_id = chooseInvocationId(body.invocation_id, headers["idempotency-key"], newId("inv"));
      const asked = unwrap(await callThread(context.env, key, (stub) => stub.getRun(key, params.invocation_id)));
      if (asked.status !== "interrupted") {
        throw new Problem("invalid_operation", `The run is ${asked.status} and asks nothing.`);
      }
      // The thread checks whether the interrupts are still open. This checks that they belong to the run in the path.
      const foreign = body.resume.find(({ interrupt_id }) => !asked.interrupts.some(({ id }) => id === interrupt_id));
      if (foreign) {
        throw new Problem("interrupt_answered", `The interrupt ${foreign.interrupt_id} does not belong to this run.`);
      }
      const { key_id } = context.get("caller");
      const leaves = disconnectOf(body.on_disconnect, query.on_disconnect);
      const input = newRunInput({
        ...key,
        invocation_id,
        key_id,
        resume: body.resume,
        ...leaves,
        ...capsOf("run", body),
      });
      const run = { user_id: key.user_id, run: asked };
      return { input, around: (accept) => auditAnswers(context, run, body.resume, accept) };
    },
  );
}

/** What every request for a run says in the same way. */
export function optionsOf(body: Omit<AgainBody, "on_busy">) {
  return {
    agent_id: body.agent_id ?? null,
    model: body.model ?? null,
    max_steps: body.max_steps ?? null,
    metadata: body.metadata ?? {},
    ...zoneOf(body.time_zone),
    ...capsOf("run", body),
    background: body.background,
  };
}

/** In its usual spelling, since a model reads it. */
function zoneOf(name: string | undefined): Pick<RunInput, "time_zone"> {
  const time_zone = name === undefined ? null : readTimeZone(name);
  return time_zone === null ? {} : { time_zone };
}

export function disconnectOf(
  ofBody: RunInput["on_disconnect"],
  ofQuery: RunInput["on_disconnect"],
): Pick<RunInput, "on_disconnect"> {
  if (ofBody !== undefined && ofQuery !== undefined && ofBody !== ofQuery) {
    throw new Problem("invalid_field", "on_disconnect: is not the same as in the query");
  }
  const on_disconnect = ofBody ?? ofQuery;
  return on_disconnect === undefined ? {} : { on_disconnect };
}

/** What the client chose; `otherwise` if it chose none. */
export function chooseInvocationId<Other>(
  ofBody: string | undefined,
  ofHeader: string | undefined,
  otherwise: Other,
): string | Other {
  if (ofBody !== undefined && ofHeader !== undefined && ofBody !== ofHeader) {
    throw new Problem("invalid_field", "invocation_id: is not the same as the Idempotency-Key header");
  }
  return ofBody ?? ofHeader ?? otherwise;
}
