// Starts a run and opens its stream, for protocols whose clients can't resume one.
import type { RunInput } from "../../protocol/thread.ts";
import { type AgUiClient, writeClient } from "../../thread/stream/ag-ui/client.ts";
import { callThread, threadStub } from "../../thread/stub.ts";
import { identify, requireScope } from "../auth.ts";
import type { AppContext } from "../context.ts";
import { readStream, streamRequest } from "../stream.ts";
import { followLives, type RunFollower } from "./reconnect.ts";
import type { ClientResult } from "./sent.ts";

/**
 * Returns the run's frames from its start to its terminal event, over all lives of the thread's object. A run that the
 * thread knows by its `invocation_id` is not started again: the stream attaches to it. Throws the `Problem` if the
 * thread refuses the input; later the stream only breaks. The caller pipes the frames to its client. The events of
 * `clientResults`, which the client has sent itself, are left out.
 */
export async function openRunStream(
  context: AppContext,
  input: RunInput,
  client: AgUiClient,
  clientResults: ClientResult[],
): Promise<RunFollower> {
  const { user_id, thread_id, invocation_id } = input;
  const key = { user_id, thread_id };
  const first = await openFirst(context, input, client);
  // The object answers a number above the newest event with a resync; for a waiting run, with its whole stream.
  const position = { invocation_id, after: String(Number.MAX_SAFE_INTEGER), relayed: "1" };
  const rest = new URLSearchParams({ ...key, ...position });
  writeClient(rest, client);
  const address = `https://thread/events?${rest}`;
  // A stub whose object was reset stays broken, so each life needs a new one.
  const next = async () => {
    // The object may have cut the stream because the key no longer holds.
    context.set("caller", await identify(context));
    // The admin key may be one that only administers by now.
    requireScope(context.get("caller"), "read");
    return readStream(await threadStub(context.env, key).fetch(streamRequest(context, address)));
  };
  return followLives(first, next, { ...key, invocation_id }, clientResults);
}

/**
 * Apart from what reconnects: a closure there would keep the input, which has the client's whole history, for as long as
 * the stream is open.
 */
async function openFirst(
  context: AppContext,
  input: RunInput,
  client: AgUiClient,
): Promise<ReadableStream<Uint8Array>> {
  const headers = { "content-type": "application/json" };
  const body = JSON.stringify(input);
  const parameters = new URLSearchParams({ known: "1", relayed: "1" });
  writeClient(parameters, client);
  const start = () => streamRequest(context, `https://thread/runs?${parameters}`, { method: "POST", headers, body });
  return await readStream(await callThread(context.env, input, (stub) => stub.fetch(start())));
}
