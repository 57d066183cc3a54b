// The routes of AG-UI clients. Clients send their whole history each time, and the thread's object finds what is new in
// it. Bodies are parsed leniently, because clients add fields of their own and of later protocol versions.
import { z } from "@hono/zod-openapi";
import { clientId } from "../../protocol/ids.ts";
import { late } from "../../protocol/schemas/late.ts";
import { newRunInput, type RunInput } from "../../protocol/thread.ts";
import { keepTraceParent } from "../../traces/span.ts";
import { auditOpenAnswers } from "../audit/approvals.ts";
import type { App, AppContext } from "../context.ts";
import { type ErrorForm, withErrors } from "../errors.ts";
import { addOperation, type Operation } from "../operation.ts";
import { keyOf, requireAgentOfRun, withStock } from "../ownership.ts";
import { sizeOfInput } from "../quotas/stock.ts";
import { openRunStream } from "../run-stream/open.ts";
import { MAX_ANSWERS, smallJson, smallObject, wellFormed } from "../schemas.ts";
import { holdStream } from "../stream.ts";
import { chooseRun } from "./answers.ts";
import { anyId, MAX_SENT_ID, SentIds } from "./ids.ts";
import { messages, readEntry, readToolResult, readUserMessage } from "./messages.ts";
import { forwardedProps, type Query, query, readOptions } from "./options.ts";

/** It has the id of a call. */
const MAX_INTERRUPT_ID = MAX_SENT_ID + 16;

const body = late(() =>
  z
    .object({
      threadId: anyId,
      runId: anyId,
      protocolVersion: z.unknown().optional().openapi({
        description: "`@ag-ui/client` sends it from 1.0 on. Without it, outcomes that 0.0.59 can't parse are left out.",
      }),
      messages: messages().default([]),
      tools: z
        .array(
          z.object({
            name: z.string().regex(/^[A-Za-z0-9_-]{1,64}$/, "must be 1 to 64 of A-Z a-z 0-9 _ -"),
            description: wellFormed.max(10_000).default(""),
            parameters: smallObject.default({ type: "object", properties: {} }),
          }),
        )
        .max(100)
        .default([]),
      context: z
        .array(z.object({ description: wellFormed.max(10_000), value: wellFormed.max(100_000) }))
        .max(100)
        .default([]),
      resume: z
        .array(
          z.object({
            interruptId: wellFormed.min(1).max(MAX_INTERRUPT_ID),
            status: z.enum(["resolved", "cancelled"]),
            payload: smallJson.optional(),
          }),
        )
        .max(MAX_ANSWERS)
        .optional(),
      forwardedProps,
    })
    .openapi("RunAgentInput", {
      example: {
        threadId: "thread-001",
        runId: "inv-001",
        messages: [{ id: "msg-001", role: "user", content: "帮我做一个电商网站" }],
        tools: [],
        context: [],
      },
    }),
);
type Body = z.infer<ReturnType<typeof body>>;

/** AG-UI's clients read the body of an error only if it has this type. */
const errors: ErrorForm = { type: "application/json" };

const common = {
  method: "post",
  scope: "run",
  counts: "run",
  tag: "AG-UI",
  description:
    "For `@ag-ui/client`'s `HttpAgent`. Unknown fields are ignored. A known `runId` attaches to its run; with `resume` for what it asked, it starts the run that answers. Events have your ids as you sent them.",
  query,
  body,
  answers: { 200: { description: "The run's AG-UI events.", text: "text/event-stream" } },
  problems: ["empty_message", "not_found", "busy", "version_conflict", "interrupt_answered", "interrupts_uncovered"],
  lenient: true,
  errors,
  records: ["approval.approve", "approval.deny"],
} satisfies Partial<Operation<unknown, Query, unknown, Body>>;

export function addAgUi(app: App): void {
  // Also for paths and methods without a route.
  app.use(
    "/ag-ui/*",
    withErrors(errors, (_context, next) => next()),
  );
  addOperation(app, { ...common, path: "/ag-ui", summary: "Run the default agent" }, (context, input) =>
    answerRun(context, input, null),
  );
  addOperation(
    app,
    { ...common, path: "/ag-ui/{agent_id}", summary: "Run an agent", params: z.object({ agent_id: clientId }) },
    async (context, { body, query, params }) => {
      await requireAgentOfRun(context, params.agent_id);
      return await answerRun(context, { body, query }, params.agent_id);
    },
  );
}

async function answerRun(
  context: AppContext,
  { body, query }: { body: Body; query: Query },
  agent_id: string | null,
): Promise<Response> {
  const ids = new SentIds();
  const key = keyOf(context, await ids.toOurs("thread", body.threadId));
  const named = await ids.toOurs("inv", body.runId);
  const resume = readResume(body);
  const { invocation_id, is_known } =
    resume === null ? { invocation_id: named, is_known: false } : await chooseRun(context, key, named, resume);
  if (invocation_id !== named) ids.note(invocation_id, body.runId);
  const results = body.messages.flatMap(readToolResult);
  const input = newRunInput({
    ...key,
    invocation_id,
    key_id: context.get("caller").key_id,
    messages: await ids.renameAll("msg", body.messages.flatMap(readUserMessage)),
    tool_results: await ids.renameAll("msg", results),
    from_history: true,
    history: await ids.findAll("msg", body.messages.flatMap(readEntry)),
    resume,
    agent_id,
    client_tools: body.tools,
    context: body.context,
    ...readOptions(body.forwardedProps, query),
    ...keepTraceParent(context.get("config").traces, context.req.header("traceparent")),
  });
  if (ids.list.length > 0) input.sent_ids = ids.list;
  const is_versioned = body.protocolVersion !== undefined;
  const client = { thread_id: body.threadId, run_id: body.runId, is_versioned };
  const open = () => openRunStream(context, input, client, results);
  const wanted = { thread_id: key.thread_id, makes_project: true, bytes: sizeOfInput(input) };
  return await holdStream(context, () =>
    withStock(context, wanted, () => auditOpenAnswers(context, input, is_known, open)),
  );
}

function readResume({ resume }: Body): RunInput["resume"] {
  if (!resume || resume.length === 0) return null;
  return resume.map(({ interruptId, status, payload }) => ({
    interrupt_id: interruptId,
    status,
    ...(payload === undefined ? {} : { payload }),
  }));
}
