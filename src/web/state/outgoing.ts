// What a person sent on one thread and the server has not got: turns, which the page begins one after another and
// follows, and messages beside them. They reach the server in the order in which they were sent.
import type { AgUiInterrupt } from "../../protocol/event.ts";
import { type Api, ApiError } from "../client/api.ts";
import type { Followed, Opening } from "../client/follow.ts";
import { openTurn } from "../client/live-turn.ts";
import { typedIn } from "../client/question-choices.ts";
import { deliver } from "./deliver.ts";
import { forgetUnsent, type Unsent } from "./drafts.ts";
import type { Waiting } from "./thread-view.ts";

export interface Turn extends Followed {
  begin: NonNullable<Followed["begin"]>;
  /** Whether the server has it. */
  isBegun: boolean;
  /** The server has it, or it was given up. */
  onSettled(): void;
  /** A person took it back before the server had it. */
  withdrawal: AbortController;
}

export class Outgoing {
  readonly #api: Api;
  readonly #thread: string;
  readonly #turns: Turn[] = [];
  readonly #onTaken: () => void;
  #line: Promise<unknown> = Promise.resolve();

  /** Calls `onTaken` whenever the server has got something, also after the thread was left. */
  constructor(api: Api, thread: string, onTaken: () => void) {
    this.#api = api;
    this.#thread = thread;
    this.#onTaken = onTaken;
  }

  get next(): Turn | undefined {
    return this.#turns[0];
  }

  begin(begin: Turn["begin"], run: string): void {
    let onSettled = (): void => {};
    const settled = new Promise<void>((resolve) => {
      onSettled = resolve;
    });
    this.#line = Promise.all([this.#line, settled]);
    const withdrawal = new AbortController();
    this.#turns.push({ thread: this.#thread, run, begin, isBegun: false, onSettled, withdrawal });
  }

  /** Resolves when the server has it; throws its refusal. */
  async beside({ run, id, text, mode }: Waiting, onLost: (error: unknown) => void): Promise<void> {
    const unsent = { thread: this.#thread, run, id, text };
    const sent = this.#line.then(() => deliver(this.#api, unsent, mode, onLost));
    this.#line = sent.catch(() => {});
    await sent;
    this.#onTaken();
  }

  /** Begins the turn, and records when the server has it. */
  openingOf(turn: Turn): Opening {
    return (api, left, heard, signal, after) => {
      const onBegun = (): void => {
        turn.isBegun = true;
        forgetUnsent(turn.run);
        turn.onSettled();
        this.#onTaken();
        heard.onBegun();
      };
      return openTurn(api, left, { ...heard, onBegun }, signal, after);
    };
  }

  settle(turn: Turn): void {
    this.#remove(turn);
    forgetUnsent(turn.run);
  }

  /** Leaves out what the server has, by the ids of messages and runs. */
  dropKnown(known: Set<string>): void {
    for (const turn of [...this.#turns]) {
      const { begin, run } = turn;
      if (begin.kind === "message" && (known.has(run) || known.has(begin.id))) this.settle(turn);
    }
  }

  /** The messages, which are turns no more. */
  takeMessages(): Unsent[] {
    return [...this.#turns].flatMap((turn) => {
      if (turn.begin.kind !== "message") return [];
      this.#remove(turn);
      return [messageOf(turn, turn.begin)];
    });
  }

  /** The page stops following them; the server still gets them. */
  deliverAll(): void {
    for (const turn of this.#turns) {
      const { begin, isBegun, withdrawal } = turn;
      if (isBegun || withdrawal.signal.aborted || begin.kind !== "message") continue;
      void deliver(this.#api, messageOf(turn, begin), "enqueue")
        .then(this.#onTaken, () => {})
        .then(turn.onSettled);
    }
  }

  #remove(turn: Turn): void {
    const place = this.#turns.indexOf(turn);
    if (place >= 0) this.#turns.splice(place, 1);
    turn.onSettled();
  }
}

function messageOf({ thread, run }: Turn, { id, text }: Pick<Unsent, "id" | "text">): Unsent {
  return { thread, run, id, text };
}

/** What returns to the composer. A form that is shown again still has its text; one that is not shown gives it up. */
export function typedOf({ begin }: Turn, error: unknown, interrupts: AgUiInterrupt[]): string[] {
  if (begin.kind === "message") return [begin.text];
  if (begin.kind === "again") return begin.edited === null ? [] : [begin.edited.text];
  return error instanceof ApiError && error.isAnswered ? typedIn(begin.answers, interrupts) : [];
}
