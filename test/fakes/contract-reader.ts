// A client of one stream of a thread's object: its connection breaks when the test says so or the life ends, it
// reconnects with its last id, and its data must be consistent at every event.
import type { ThreadEvent } from "../../src/protocol/event.ts";
import { parseFrames } from "./conversation.ts";
import type { ObjectWorld, Pulse } from "./object-world.ts";
import { Transcript } from "./transcript.ts";

type Frame = { seq: number | null; event: ThreadEvent };

export class ContractReader {
  transcript = new Transcript();
  /** Every numbered event received. */
  readonly events: { seq: number; event: ThreadEvent }[] = [];
  /** The newest event, with or without a number. */
  last: ThreadEvent | null = null;
  lastId: number | null = null;
  status: "away" | "open" | "closed" | "missing" = "away";
  readonly problems: string[] = [];
  readonly run: string | null;
  readonly #world: ObjectWorld;
  readonly #address: string;
  #connections = 0;
  #leave: () => void = () => {};

  constructor(world: ObjectWorld, key: { user_id: string; thread_id: string }, run: string | null) {
    this.#world = world;
    this.run = run;
    const query = new URLSearchParams({ ...key, ...(run === null ? {} : { invocation_id: run }) });
    this.#address = `https://thread/events?${query}`;
  }

  async connect(): Promise<void> {
    if (this.status === "open") return;
    this.#connections += 1;
    const connection = this.#connections;
    this.status = "open";
    const after = this.lastId === null ? "" : `&after=${this.lastId}`;
    const answer = await this.#world.call(async (object, pulse) => ({
      response: await object.fetch(new Request(this.#address + after)),
      pulse,
    }));
    if (answer.kind !== "answered" || connection !== this.#connections) this.status = "away";
    else if (!answer.value.response.ok || answer.value.response.body === null) this.status = "missing";
    else void this.#pump(answer.value.response.body, answer.value.pulse, connection);
  }

  /** The socket is destroyed. */
  disconnect(): void {
    this.#connections += 1;
    this.#leave();
    if (this.status === "open") this.status = "away";
  }

  async #pump(body: ReadableStream<Uint8Array>, pulse: Pulse, connection: number): Promise<void> {
    const reader = body.getReader();
    this.#leave = () => void reader.cancel().catch(() => {});
    const take = this.#taker();
    const decoder = new TextDecoder();
    let rest = "";
    for (;;) {
      const read = await Promise.race([reader.read(), pulse.died]).catch(() => undefined);
      if (connection !== this.#connections) return;
      if (read === undefined || !pulse.alive) {
        this.status = "away";
        return;
      }
      if (read.done) {
        this.status = "closed";
        return;
      }
      rest += decoder.decode(read.value, { stream: true });
      const end = rest.lastIndexOf("\n\n");
      if (end < 0) continue;
      take(parseFrames(rest.slice(0, end)));
      rest = rest.slice(end + 2);
    }
  }

  /** An incomplete resync does not count: its frames wait for the last of them, the one with an id. */
  #taker(): (frames: Frame[]) => void {
    let opening: Frame[] | null = null;
    let begun = false;
    return (frames) => {
      for (const frame of frames) {
        if (!begun) {
          begun = true;
          if (isResync(frame.event)) opening = [];
        }
        if (opening === null) {
          this.#apply(frame);
          continue;
        }
        opening.push(frame);
        if (frame.seq === null) continue;
        this.transcript = new Transcript();
        for (const waited of opening) this.#apply(waited, true);
        opening = null;
      }
    };
  }

  #apply({ seq, event }: Frame, inResync = false): void {
    this.last = event;
    try {
      this.transcript.apply(event);
    } catch (error) {
      this.problems.push(`at ${seq}: ${error instanceof Error ? error.message : error}`);
    }
    if (seq === null) return;
    const last = this.lastId ?? 0;
    if (inResync ? seq < last : seq <= last) this.problems.push(`the number ${seq} came after ${last}`);
    this.lastId = seq;
    this.events.push({ seq, event });
  }
}

function isResync(event: ThreadEvent): boolean {
  return event.type === "MESSAGES_SNAPSHOT" || (event.type === "RUN_STARTED" && event.metadata?.resync === true);
}
