// A client of a thread's object in workerd, as the routes use it: RPC and streams of its stub, and its messages in D1.
import { env } from "cloudflare:test";
import { newId } from "../../src/protocol/ids.ts";
import { newRunInput, type RunInput, type ThreadKey } from "../../src/protocol/thread.ts";
import { type ThreadStub, threadStub } from "../../src/thread/stub.ts";
import { parseFrames } from "../fakes/conversation.ts";
import { readStoredMessages } from "../fakes/stored-rows.ts";

export interface ThreadClient {
  key: ThreadKey;
  /** A stub as a new request would have it. */
  readonly stub: ThreadStub;
  input(message: string, more?: Partial<RunInput>): RunInput;
  /** Accepts the run and streams it. */
  post(message: string, more?: Partial<RunInput>): Promise<Response>;
  events(query?: Record<string, string | number>): Promise<Response>;
}

export function threadClient(user_id = newId("user"), thread_id = "thread-001"): ThreadClient {
  const key = { user_id, thread_id };
  const input = (message: string, more: Partial<RunInput> = {}): RunInput => {
    const invocation_id = more.invocation_id ?? newId("inv");
    return newRunInput({
      ...key,
      invocation_id,
      messages: [{ message_id: `msg_of_${invocation_id}`, content: message }],
      ...more,
    });
  };
  return {
    key,
    get stub() {
      return threadStub(env, key);
    },
    input,
    post(message, more) {
      const body = JSON.stringify(input(message, more));
      return this.stub.fetch(new Request("https://thread/runs", { method: "POST", body }));
    },
    events(query = {}) {
      const asked = Object.entries({ ...key, ...query }).map(([name, value]): [string, string] => [
        name,
        String(value),
      ]);
      return this.stub.fetch(new Request(`https://thread/events?${new URLSearchParams(asked)}`));
    },
  };
}

/** Reads a stream until its text fits, or to its end. Leaves the rest unread. */
export async function readUntil(response: Response, fits: (text: string) => boolean = () => false): Promise<string> {
  const reader = response.body?.pipeThrough(new TextDecoderStream()).getReader();
  let text = "";
  for (;;) {
    const read = await reader?.read();
    if (read === undefined || read.done) return text;
    text += read.value;
    if (!fits(text)) continue;
    await reader?.cancel();
    return text;
  }
}

export function framesOf(text: string) {
  return parseFrames(text);
}

export function messagesOf(key: ThreadKey) {
  return readStoredMessages(env.DB, key);
}
