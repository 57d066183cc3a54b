// What the harness sees of the working runtime: each outside request of a run, at the moment when it is made. The
// watcher may kill the runtime at that moment, and the request goes no further.

export type Moment =
  /** The model is called: `step` counts the run's model calls from 0. */
  | { kind: "model_called"; run: string; step: number }
  /** So many tokens of the reply have been sent. */
  | { kind: "token"; run: string; count: number }
  /** A command is about to be started or, where it was requested before, to be found `again`. */
  | { kind: "command_asked"; run: string; step: number; place: number; again: boolean }
  /** The output of a running command was read so many times. */
  | { kind: "command_read"; run: string; step: number; place: number; count: number }
  /** A batch for D1 was made, and is held until it is released. */
  | ({ kind: "write_asked"; run: string } & WriteKind)
  /** D1 has the batch; the object has no response yet. */
  | ({ kind: "write_done"; run: string } & WriteKind);

export interface WriteKind {
  /** Whether the run in it is still queued. */
  queued: boolean;
  /** Whether the run in it has ended. */
  ends: boolean;
}

/** Returns whether the request may continue. */
export type Watch = (moment: Moment) => boolean;

/** What the Worker's wrapper reports of a batch. A thread of this harness has one run, and one name for both. */
export interface WriteNotice extends WriteKind {
  when: "write_asked" | "write_done";
  thread_id: string;
}
