// The stream of an AG-UI run, read as far as a test wants.
import type { ThreadEvent } from "../../src/protocol/event.ts";
import { parseFrames } from "../fakes/conversation.ts";

export interface Reading {
  readonly text: string;
  readonly events: ThreadEvent[];
  /** Reads until the text matches. */
  until(fits: (text: string) => boolean): Promise<void>;
  /** Reads the rest. */
  toEnd(): Promise<ThreadEvent[]>;
  leave(): Promise<void>;
}

export function openReading(response: Response): Reading {
  const reader = (response.body as ReadableStream<Uint8Array>).getReader();
  const decoder = new TextDecoder();
  let text = "";
  const step = async (): Promise<boolean> => {
    const { done, value } = await reader.read();
    if (value !== undefined) text += decoder.decode(value, { stream: true });
    return !done;
  };
  const events = () => parseFrames(text, { former: true }).map(({ event }) => event);
  return {
    get text() {
      return text;
    },
    get events() {
      return events();
    },
    async until(fits) {
      while (!fits(text)) if (!(await step())) throw new Error(`the stream ended: ${text.slice(-500)}`);
    },
    async toEnd() {
      while (await step());
      return events();
    },
    leave: () => reader.cancel(),
  };
}
