// A reader of an event stream that takes a given number of bytes a second from its socket, and leaves the rest in it.
import { once } from "node:events";
import { get, type IncomingMessage } from "node:http";
import { parseFrames } from "../fakes/conversation.ts";
import type { StreamFrame, Taskloom } from "./harness.ts";

const TICK_MS = 50;

export interface SlowReader {
  /** The complete frames so far. */
  readonly frames: StreamFrame[];
  readonly lastId: number;
  /** Resolves with how the stream ended, once everything was read. */
  ended: Promise<"closed" | "broken">;
  /** From now on it reads everything. */
  hurry(): void;
}

export async function openSlowReader(
  taskloom: Taskloom,
  path: string,
  options: { after?: number; bytesPerSecond: number },
): Promise<SlowReader> {
  const headers = {
    authorization: `Bearer ${taskloom.key}`,
    accept: "text/event-stream",
    ...(options.after === undefined ? {} : { "last-event-id": String(options.after) }),
  };
  const [response] = (await once(get(taskloom.url + path, { headers, agent: false }), "response")) as [IncomingMessage];
  if (response.statusCode !== 200) throw new Error(`${path}: ${response.statusCode}`);
  const { bytesPerSecond } = options;
  const chunks: Buffer[] = [];
  let credit = 0;
  const timer = setInterval(() => {
    credit = Math.min(credit + (bytesPerSecond * TICK_MS) / 1000, bytesPerSecond);
    const size = Math.min(Math.floor(credit), response.readableLength);
    // Without a call nothing is read ahead; and the end arrives with a read of nothing.
    const chunk = response.read(size) as Buffer | null;
    credit -= chunk?.length ?? 0;
    if (chunk !== null) chunks.push(chunk);
  }, TICK_MS);
  const ended = new Promise<"closed" | "broken">((resolve) => {
    response.once("close", () => {
      clearInterval(timer);
      resolve(response.complete ? "closed" : "broken");
    });
    response.on("error", () => {});
  });
  const readFrames = (): StreamFrame[] => {
    const text = Buffer.concat(chunks).toString("utf8");
    const whole = text.slice(0, text.lastIndexOf("\n\n") + 2);
    return parseFrames(whole).map(({ seq, event }) => ({ id: seq, event }));
  };
  return {
    get frames() {
      return readFrames();
    },
    get lastId() {
      return readFrames().findLast(({ id }) => id !== null)?.id ?? 0;
    },
    ended,
    hurry: () => {
      clearInterval(timer);
      response.on("data", (chunk: Buffer) => {
        chunks.push(chunk);
      });
    },
  };
}
