// Runs are started, resumed, watched and cancelled through the thread's object. Their list is read from D1.
import { z } from "@hono/zod-openapi";
import type { Config } from "../../config.ts";
import { readTimeZone } from "../../lib/time-zone.ts";
import { findRefusal } from "../../models/index.ts";
import { withChain } from "../../protocol/chain.ts";
import { clientId, newId } from "../../protocol/ids.ts";
import { isEmptyContent, userContent } from "../../protocol/message.ts";
import { capsOf, givenCaps } from "../../protocol/money/caps.ts";
import { busyPolicies, isTerminal, type Run } from "../../protocol/run.ts";
import { newRunInput, type RunInput, type ThreadKey } from "../../protocol/thread.ts";
import { listRuns } from "../../store/runs.ts";
import { callThread } from "../../thread/stub.ts";
import { auditAnswers, isKnownRun } from "../audit/approvals.ts";
import type { AuditNotes } from "../audit.ts";
import type { App, AppContext } from "../context.ts";
import { Problem, unwrap } from "../errors.ts";
import { hopsHeader, readChain } from "../hops.ts";
import { whileKeyHolds } from "../key-watch.ts";
import { type Answer, addOperation } from "../operation.ts";
import { keyOf, readOfThread, requireAgent, withStock } from "../ownership.ts";
import { sizeOfInput } from "../quotas/stock.ts";
import {
  listedRun,
  MAX_ANSWERS,
  pageOf,
  pageQuery,
  runAnswer,
  runParams,
  smallJson,
  smallObject,
  threadParams,
  timeZone,
  wellFormed,
} from "../schemas.ts";
import { answerStream, countOpen, streamRequest, wantsStream } from "../stream.ts";
import { type ModelCheck, modelNameOf, stepsUpTo } from "./agent-schemas.ts";
import { requirePrice } from "./money/price.ts";

const tag = "Runs";

// How long `?wait=1` keeps a request open.
const WAIT_MS = 5 * 60_000;

function runBodyOf(check: ModelCheck, ceiling: number | null) {
  return z
    .strictObject({
      message: userContent,
      message_id: clientId.optional(),
      agent_id: clientId.optional(),
      invocation_id: clientId.optional(),
      background: z.boolean().default(false),
      on_busy: z.enum(busyPolicies).default("enqueue"),
      model: modelNameOf(check).optional(),
      max_steps: stepsUpTo(ceiling).optional(),
      metadata: smallObject.optional(),
      time_zone: timeZone
        .optional()
        .openapi({ description: "Where the person is, for the date that the model is told." }),
      ...givenCaps,
    })
    .openapi({ example: { message: "帮我做一个电商网站" } });
}

/** For `/openapi.json`, without names of models. */
const runBody = runBodyOf(() => null, null);
const knownBodies = new WeakMap<Config, typeof runBody>();

/** Checks the model's name and the steps against the limits of this server. */
function runBodyFor(config: Config): typeof runBody {
  const check: ModelCheck = (name) => findRefusal(config.models, name);
  const body = knownBodies.get(config) ?? runBodyOf(check, config.limits.max_steps);
  knownBodies.set(config, body);
  return body;
}

const resumeBody = z
  .strictObject({
    invocation_id: clientId.optional(),
    ...givenCaps,
    resume: z
      .array(
        z.strictObject({
          interrupt_id: wellFormed.min(1).max(200),
          status: z.enum(["resolved", "cancelled"]),
          payload: smallJson.optional(),
        }),
      )
      .min(1)
      .max(MAX_ANSWERS),
  })
  .openapi({ example: { resume: [{ interrupt_id: "int-1", status: "resolved", payload: "blue" }] } });

const startQuery = z.strictObject({
  wait: z
    .enum(["0", "1", "false", "true"])
    .optional()
    .openapi({ description: "`1`: answer when the run has ended, or after five minutes." }),
});

const startHeaders = z.object({
  "idempotency-key": clientId.optional().openapi({ description: "Another way to give `invocation_id`." }),
});

const startAnswers: Record<number, Answer> = {
  200: {
    description: "With `?wait=1` the ended run; with `Accept: text/event-stream` the run's stream.",
    schema: runAnswer,
    text: "text/event-stream",
  },
  202: {
    description: "The accepted run; the same for a repeated request.",
    schema: runAnswer,
    headers: { Location: "The run's path." },
  },
};

export function addRuns(app: App): void {
  addStart(app);
  addResume(app);
  addReadAndCancel(app);
}

function addStart(app: App): void {
  addOperation(
    app,
    {
      method: "post",
      path: "/v1/threads/{thread_id}/runs",
      scope: "run",
      tag,
      summary: "Start a run",
      counts: "run",
      description: "A thread that does not exist is made. The same `invocation_id` with the same body is the same run.",
      params: threadParams,
      query: startQuery,
      headers: startHeaders.extend({ "taskloom-hops": hopsHeader }),
      body: runBody,
      bodyFor: runBodyFor,
      answers: startAnswers,
      problems: ["empty_message", "not_found", "busy", "idempotency_conflict", "invalid_operation", "price_unknown"],
    },
    async (context, { params, query, headers, body }) => {
      if (isEmptyContent(body.message)) throw new Problem("empty_message", "message has neither text nor an image.");
      const invocation_id = chooseInvocationId(body.invocation_id, headers["idempotency-key"]);
      requirePrice(context.get("config").models, body.model, body);
      await requireAgent(context, body.agent_id);
      const input = newRunInput({
        ...keyOf(context, params.thread_id),
        invocation_id,
        key_id: context.get("caller").key_id,
        messages: [{ message_id: body.message_id ?? newId("msg"), content: body.message }],
        agent_id: body.agent_id ?? null,
        model: body.model ?? null,
        max_steps: body.max_steps ?? null,
        metadata: body.metadata ?? {},
        ...zoneOf(body.time_zone),
        ...capsOf("run", body),
        background: body.background,
        on_busy: body.on_busy,
        ...unwrap(readChain(context)),
      });
      const wanted = { thread_id: params.thread_id, makes_project: true, bytes: sizeOfInput(input) };
      return await startRun(context, input, query.wait, (accept) => withStock(context, wanted, () => accept({})));
    },
  );
}

function addResume(app: App): void {
  addOperation(
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
      query: startQuery,
      headers: startHeaders,
      body: resumeBody,
      answers: startAnswers,
      problems: [
        "not_found",
        "interrupt_answered",
        "idempotency_conflict",
        "invalid_operation",
        "interrupts_uncovered",
      ],
      records: ["approval.approve", "approval.deny"],
    },
    async (context, { params, query, headers, body }) => {
      const key = keyOf(context, params.thread_id);
      const invocation_id = chooseInvocationId(body.invocation_id, headers["idempotency-key"]);
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
      const input = newRunInput({ ...key, invocation_id, key_id, resume: body.resume, ...capsOf("run", body) });
      const accept = (work: (notes: AuditNotes) => Promise<Accepted>) =>
        auditAnswers(context, { user_id: key.user_id, run: asked }, body.resume, work);
      return await startRun(context, input, query.wait, accept);
    },
  );
}

/** In its usual spelling, since a model reads it. */
function zoneOf(name: string | undefined): Pick<RunInput, "time_zone"> {
  const time_zone = name === undefined ? null : readTimeZone(name);
  return time_zone === null ? {} : { time_zone };
}

function chooseInvocationId(ofBody: string | undefined, ofHeader: string | undefined): string {
  if (ofBody !== undefined && ofHeader !== undefined && ofBody !== ofHeader) {
    throw new Problem("invalid_field", "invocation_id: is not the same as the Idempotency-Key header");
  }
  return ofBody ?? ofHeader ?? newId("inv");
}

/** The run's stream, or the accepted run. */
type Accepted = Response | Run;

/** `around` is done around the acceptance alone, and not while the run works. */
async function startRun(
  context: AppContext,
  input: RunInput,
  wait: string | undefined,
  around: (accept: (notes: AuditNotes) => Promise<Accepted>) => Promise<Accepted>,
): Promise<Response> {
  const { user_id, thread_id } = input;
  const key = { user_id, thread_id };
  const isWaiting = (wait === "1" || wait === "true") && !wantsStream(context);
  // A request that waits is as much as a stream. The runtime ends it without a word when its client leaves.
  const close = isWaiting ? countOpen(context, "streams", WAIT_MS) : () => {};
  try {
    const run = await around((notes) => acceptRun(context, key, input, notes));
    if (run instanceof Response) return run;
    if (!isWaiting) return answerAccepted(context, run);
    const id = run.invocation_id;
    const ended = unwrap(
      await whileKeyHolds(context, () => callThread(context.env, key, (stub) => stub.waitForEnd(key, id, WAIT_MS))),
    );
    return isTerminal(ended.status) ? context.json(withChain(ended)) : answerAccepted(context, ended);
  } finally {
    close();
  }
}

async function acceptRun(context: AppContext, key: ThreadKey, input: RunInput, notes: AuditNotes): Promise<Accepted> {
  if (wantsStream(context)) {
    // The stream does not say whether the answer came before.
    const isRepeated = input.resume !== null && (await isKnownRun(context, key, input.invocation_id));
    const headers = { "content-type": "application/json" };
    const body = JSON.stringify(input);
    const answer = await answerStream(context, key, () =>
      streamRequest(context, "https://thread/runs", { method: "POST", headers, body }),
    );
    if (isRepeated) notes.details = { repeated: true };
    return answer;
  }
  const { run, created } = unwrap(await callThread(context.env, key, (stub) => stub.accept(input)));
  if (!created) notes.details = { repeated: true };
  return run;
}

function answerAccepted(context: AppContext, run: Run): Response {
  return context.json(withChain(run), 202, { location: `/v1/threads/${run.thread_id}/runs/${run.invocation_id}` });
}

function addReadAndCancel(app: App): void {
  addOperation(
    app,
    {
      method: "get",
      path: "/v1/threads/{thread_id}/runs",
      tag,
      summary: "List runs",
      params: threadParams,
      query: pageQuery,
      answers: { 200: { description: "Runs of the thread, newest first.", schema: pageOf(listedRun) } },
      problems: ["not_found", "bad_cursor"],
    },
    async (context, { params, query }) => {
      const key = keyOf(context, params.thread_id);
      const request = { limit: query.limit, cursor: query.cursor ?? null };
      const page = await readOfThread(context, key, {
        fromStore: (db) => listRuns(db, key, request),
        fromObject: (stub) => stub.readRuns(key, request),
      });
      return context.json(page);
    },
  );
  addOperation(
    app,
    {
      method: "get",
      path: "/v1/threads/{thread_id}/runs/{invocation_id}",
      tag,
      summary: "Read a run",
      params: runParams,
      answers: { 200: { description: "The run.", schema: runAnswer } },
      problems: ["not_found"],
    },
    async (context, { params }) => {
      const key = keyOf(context, params.thread_id);
      const found = await callThread(context.env, key, (stub) => stub.getRun(key, params.invocation_id));
      return context.json(withChain(unwrap(found)));
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
      counts: "request",
      params: runParams,
      answers: { 200: { description: "The run, even if it had ended before.", schema: runAnswer } },
      problems: ["not_found"],
    },
    async (context, { params }) => {
      const key = keyOf(context, params.thread_id);
      const cancelled = await callThread(context.env, key, (stub) => stub.cancel(key, params.invocation_id));
      return context.json(withChain(unwrap(cancelled)));
    },
  );
}
