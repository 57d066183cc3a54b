// What the harness sees of the runtime while it works: each outside request that a run makes, at the moment when it is
// made. Whoever watches may kill the runtime there and then, and the request goes no further.

export type Moment =
  /** The model is asked: `step` counts the run's model calls from 0. */
  | { kind: "model_called"; run: string; step: number }
  /** So many tokens of the reply have been sent. */
  | { kind: "token"; run: string; count: number }
  /** A command is about to be started, or, where it was asked for before, to be found `again`. */
  | { kind: "command_asked"; run: string; step: number; place: number; again: boolean }
  /** The output of a running command was read so many times. */
  | { kind: "command_read"; run: string; step: number; place: number; count: number }
  /** A batch for D1 has been made, and is held until it is let go. */
  | ({ kind: "write_asked"; run: string } & WriteKind)
  /** D1 has the batch; the object has not been told. */
  | ({ kind: "write_done"; run: string } & WriteKind);

export interface WriteKind {
  /** Whether the run in it has not begun. */
  queued: boolean;
  /** Whether the run in it has ended. */
  ends: boolean;
}

/** Answers whether the request may go on. */
export type Watch = (moment: Moment) => boolean;

/** What the Worker's wrapper says of a batch. A thread of this harness has one run, and one name for both. */
export interface WriteNotice extends WriteKind {
  when: "write_asked" | "write_done";
  thread_id: string;
}
