// Brings a run to its thread's object, and answers with its stream, its end or the accepted run.
import { isTerminal, type Run } from "../../../protocol/run.ts";
import type { RunInput, ThreadKey } from "../../../protocol/thread.ts";
import { callThread } from "../../../thread/stub.ts";
import { keepTraceParent } from "../../../traces/span.ts";
import { isKnownRun } from "../../audit/approvals.ts";
import type { AuditNotes } from "../../audit.ts";
import type { AppContext } from "../../context.ts";
import { unwrap } from "../../errors.ts";
import { whileKeyHolds } from "../../key-watch.ts";
import { answerStream, countOpen, readPosition, streamRequest } from "../../stream.ts";

// How long `?wait=1` keeps a request open.
const WAIT_MS = 5 * 60_000;

/** The run's stream, or the accepted run. */
export type Accepted = Response | Run;

export interface Start {
  input: RunInput;
  /** What is done around the acceptance alone, and not while the run works. */
  around: (accept: (notes: AuditNotes) => Promise<Accepted>) => Promise<Accepted>;
}

/** What the client waits for: the accepted run, its end, or its events. */
export type Awaited = "acceptance" | "end" | "events";

export async function startRun(
  context: AppContext,
  { input: given, around }: Start,
  awaited: Awaited,
): Promise<Response> {
  const input = { ...given, ...keepTraceParent(context.get("config").traces, context.req.header("traceparent")) };
  const { user_id, thread_id } = input;
  const key = { user_id, thread_id };
  const isWaiting = awaited === "end";
  // A request that waits is as much as a stream. The runtime ends it without a word when its client leaves.
  const close = isWaiting ? countOpen(context, "streams", WAIT_MS) : () => {};
  try {
    const accept = awaited === "events" ? acceptStream : acceptRun;
    const run = await around((notes) => accept(context, key, input, notes));
    if (run instanceof Response) return run;
    if (!isWaiting) return answerAccepted(context, run);
    const id = run.invocation_id;
    const ended = unwrap(
      await whileKeyHolds(context, () => callThread(context.env, key, (stub) => stub.waitForEnd(key, id, WAIT_MS))),
    );
    return isTerminal(ended.status) ? context.json(ended) : answerAccepted(context, ended);
  } finally {
    close();
  }
}

async function acceptStream(
  context: AppContext,
  key: ThreadKey,
  input: RunInput,
  notes: AuditNotes,
): Promise<Accepted> {
  // The stream does not say whether the answer came before.
  const isRepeated = input.resume !== null && (await isKnownRun(context, key, input.invocation_id));
  const headers = { "content-type": "application/json" };
  const body = JSON.stringify(input);
  // A client that repeats its request after a lost connection has a part of the run.
  const after = readPosition(context, undefined);
  const address = `https://thread/runs${after === null ? "" : `?after=${after}`}`;
  const answer = await answerStream(context, key, () =>
    streamRequest(context, address, { method: "POST", headers, body }),
  );
  if (isRepeated) notes.details = { repeated: true };
  return answer;
}

async function acceptRun(context: AppContext, key: ThreadKey, input: RunInput, notes: AuditNotes): Promise<Accepted> {
  const { run, created } = unwrap(await callThread(context.env, key, (stub) => stub.accept(input)));
  if (!created) notes.details = { repeated: true };
  return run;
}

function answerAccepted(context: AppContext, run: Run): Response {
  return context.json(run, 202, { location: `/v1/threads/${run.thread_id}/runs/${run.invocation_id}` });
}
