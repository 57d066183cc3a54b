// A client whose socket is destroyed at a chosen byte of a stream: it keeps what it received until then.
import { request } from "node:http";
import { parseFrames } from "../fakes/conversation.ts";
import type { StreamFrame, Taskloom } from "./harness.ts";

/** Returns how much of the text is kept when the socket is destroyed; null while more is wanted. */
export type Cut = (text: string) => number | null;

/** Right after this many events. */
export function after(events: number): Cut {
  return (text) => endOf(text, events);
}

/** This many events, and half of the bytes of the next one. */
export function withinNext(events: number): Cut {
  return (text) => {
    const start = endOf(text, events);
    const end = endOf(text, events + 1);
    return start === null || end === null ? null : Math.floor((start + end) / 2);
  };
}

function endOf(text: string, events: number): number | null {
  let left = events;
  let place = 0;
  while (left > 0) {
    const end = text.indexOf("\n\n", place);
    if (end < 0) return null;
    if (text.slice(place, end).includes("data: ")) left -= 1;
    place = end + 2;
  }
  return place;
}

/** The complete events received until the socket was destroyed, or until the server closed the stream. */
export function readUntilCut(
  taskloom: Taskloom,
  path: string,
  cut: Cut,
  { last = null, body }: { last?: number | null; body?: unknown } = {},
): Promise<StreamFrame[]> {
  return new Promise((resolve, reject) => {
    const headers: Record<string, string> = {
      authorization: `Bearer ${taskloom.key}`,
      accept: "text/event-stream",
      ...(last === null ? {} : { "last-event-id": String(last) }),
      ...(body === undefined ? {} : { "content-type": "application/json" }),
    };
    const asked = request(taskloom.url + path, { agent: false, method: body === undefined ? "GET" : "POST", headers });
    asked.on("response", (response) => {
      let text = "";
      const finish = (length: number): void => resolve(framesOf(text.slice(0, length)));
      response.setEncoding("utf8");
      response.on("data", (piece: string) => {
        text += piece;
        const length = response.statusCode === 200 ? cut(text) : null;
        if (length === null) return;
        asked.socket?.destroy();
        finish(length);
      });
      response.on("end", () => {
        if (response.statusCode === 200) finish(text.length);
        else reject(new Error(`${path}: ${response.statusCode} ${text}`));
      });
      response.on("error", () => finish(text.length));
      response.on("close", () => finish(text.length));
    });
    asked.on("error", reject);
    asked.end(body === undefined ? undefined : JSON.stringify(body));
  });
}

function framesOf(text: string): StreamFrame[] {
  const whole = text.slice(0, text.lastIndexOf("\n\n") + 2);
  return parseFrames(whole).map(({ seq, event }) => ({ id: seq, event }));
}
