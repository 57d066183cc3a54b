// Asking a turn again, and editing a person's message. Both start a run that supersedes what it replaces.
import { derivedId, newId } from "../../../protocol/ids.ts";
import { isEmptyContent } from "../../../protocol/message.ts";
import { newRunInput, type RunInput } from "../../../protocol/thread.ts";
import type { App, AppContext } from "../../context.ts";
import { Problem, unwrap } from "../../errors.ts";
import { hopsHeader, readChain } from "../../hops.ts";
import { keyOf, requireAgentOfRun, withStock } from "../../ownership.ts";
import { sizeOfInput } from "../../quotas/stock.ts";
import { messageParams } from "../../schemas.ts";
import { requirePrice } from "../money/price.ts";
import type { Start } from "./accept.ts";
import { addBoth } from "./both.ts";
import {
  type AgainBody,
  againBody,
  againBodyFor,
  editBody,
  editBodyFor,
  type LeaveQuery,
  startHeaders,
} from "./schemas.ts";
import { chooseInvocationId, disconnectOf, optionsOf } from "./start.ts";

const common = {
  method: "post",
  scope: "run",
  tag: "Runs",
  counts: "run",
  params: messageParams,
  headers: startHeaders.extend({ "taskloom-hops": hopsHeader }),
} as const;

export function addAgain(app: App): void {
  addBoth(
    app,
    {
      ...common,
      path: "/v1/threads/{thread_id}/messages/{message_id}/regenerate",
      summary: "Ask a turn again",
      description:
        "Starts a run that answers a person's message again. If `message_id` is a reply, that is the message before it. What follows the message is superseded.",
      body: againBody,
      bodyFor: againBodyFor,
      problems: ["not_found", "busy", "bad_cursor", "idempotency_conflict", "invalid_operation", "price_unknown"],
    },
    async (context, { params, query, headers, body }) => {
      const given = chooseInvocationId(body.invocation_id, headers["idempotency-key"], null);
      const supersede = { message_id: params.message_id, replaces: false, is_unnamed: given === null };
      return await prepare(context, params.thread_id, query, body, { invocation_id: given ?? newId("inv"), supersede });
    },
  );
  addBoth(
    app,
    {
      ...common,
      path: "/v1/threads/{thread_id}/messages/{message_id}/edit",
      summary: "Edit a message",
      description:
        "Starts a run with another message in the place of a person's. The old message and what follows it are superseded.",
      body: editBody,
      bodyFor: editBodyFor,
      problems: [
        "empty_message",
        "not_found",
        "busy",
        "bad_cursor",
        "already_exists",
        "idempotency_conflict",
        "invalid_operation",
        "price_unknown",
      ],
    },
    async (context, { params, query, headers, body }) => {
      if (isEmptyContent(body.message)) throw new Problem("empty_message", "message has neither text nor an image.");
      const { thread_id, message_id } = params;
      // The same edit again is a repeat, unless the message has kept its id and was edited since: the object knows.
      const { user_id } = context.get("caller");
      const parts = ["edit", user_id, thread_id, message_id, JSON.stringify(body.message)];
      const given = chooseInvocationId(body.invocation_id, headers["idempotency-key"], null);
      const message = { message_id: body.message_id ?? newId("msg"), content: body.message };
      const id = given ?? (await derivedId("inv", ...parts));
      const supersede = { message_id, replaces: true, is_unnamed: given === null };
      return await prepare(context, thread_id, query, body, { invocation_id: id, messages: [message], supersede });
    },
  );
}

async function prepare(
  context: AppContext,
  thread_id: string,
  { on_disconnect }: LeaveQuery,
  body: AgainBody,
  asked: Pick<RunInput, "invocation_id" | "supersede"> & Partial<Pick<RunInput, "messages">>,
): Promise<Start> {
  requirePrice(context.get("config").models, body.model, body);
  await requireAgentOfRun(context, body.agent_id);
  const input: RunInput = newRunInput({
    ...keyOf(context, thread_id),
    ...asked,
    key_id: context.get("caller").key_id,
    ...optionsOf(body),
    on_busy: body.on_busy,
    ...disconnectOf(body.on_disconnect, on_disconnect),
    ...unwrap(readChain(context)),
  });
  const wanted = { thread_id, makes_project: false, bytes: sizeOfInput(input) };
  return { input, around: (accept) => withStock(context, wanted, () => accept({})) };
}
