// The port of chat platforms: a mirror shows a run elsewhere as it happens. The thread (`src/thread/follow`) drives
// mirrors and knows none of them by name; `src/mirrors.ts` lists them.
//
// A mirror is a pure decision and the calls that follow from it. The thread passes in what there is to show (the view)
// and what is shown already (`Shown`), and the mirror returns the next call. The thread stores `Shown` before each
// call, so the next life of the thread's object continues where this one ended. The thread owns turns, storage, waits,
// retries, alarms and limits; the mirror owns its platform's words, ids and rules.
import type { Result } from "../protocol/error.ts";
import type { MirrorPlace } from "../protocol/mirror.ts";
import type { Run } from "../protocol/run.ts";
import type { RunView } from "./run-view.ts";

/**
 * `Place`, `Shown` and `Question` are JSON. The thread stores them, never looks inside, and gives a mirror only what
 * the same mirror made. They outlive the code: a later version has to read what an earlier one stored. Keep them small
 * (ids, lengths and hashes, no texts), because one row holds them and is written with each call.
 */
export interface RunMirror<Place extends MirrorPlace = MirrorPlace, Shown = unknown, Question extends object = object> {
  /** The `kind` of its places. */
  readonly kind: string;
  /** Its name for people, such as "Slack". */
  readonly name: string;
  /** What is shown before the first call. */
  readonly nothing: Shown;

  /**
   * Opens a place on behalf of the thread's owner: read credentials here, and check that the place belongs to
   * `user_id`. An expected failure is a `Result`, and the run is then not shown. If the call rejects, or takes more
   * than ten seconds, the thread tries again later. The thread calls it each time it starts to show a run, and closes
   * nothing.
   */
  open(user_id: string, place: Place): Promise<Result<OpenMirror<Place, Shown, Question>>>;

  // What one run passes on to the next. A mirror that needs none of this leaves these methods out. They are pure and
  // must not throw.

  /**
   * Called when a later message names a place for the thread's runs. Returns the given place with what must be kept of
   * the former one.
   */
  joinPlaces?(former: Place, given: Place): Place;
  /** The place for later runs, once `shown` is there. */
  placeAfter?(place: Place, shown: Shown): Place;
  /** The message in which a run that has ended still asks something; null if there is none. */
  question?(shown: Shown): Question | null;
  /**
   * Whether a run with this metadata was started by one of the question's own buttons. Such a question is closed
   * already.
   */
  isAnswer?(metadata: Record<string, unknown>): boolean;
}

export interface OpenMirror<
  Place extends MirrorPlace = MirrorPlace,
  Shown = unknown,
  Question extends object = object,
> {
  /**
   * The next step. It is pure, synchronous and quick: the thread calls it whenever the view has changed, at most every
   * 16 ms. It may throw only for bugs; the thread then tries again later, and gives up after fifteen failures.
   *
   * `shown` is the result of the last call. After a crash, or if `send` rejected, it is the `before` of a call that may
   * or may not have happened: find out, or make a call that is safe to repeat.
   */
  next(showing: Showing<Place, Shown, Question>, now: number): MirrorStep<Shown>;
}

export interface Showing<Place extends MirrorPlace = MirrorPlace, Shown = unknown, Question extends object = object> {
  /** Everything up to now. The thread changes it as events arrive: read it, and don't keep it. */
  view: RunView;
  shown: Shown;
  place: Place;
  run: { thread_id: string; invocation_id: string };
  /** The question of the previous run, with that run if it is still known; null if there is nothing to do about it. */
  asked: (Question & { run: Run | null }) | null;
}

export type MirrorStep<Shown = unknown> =
  /**
   * There is nothing to call for now. The thread calls `next` again when the view changes or at `until` (ms). It waits
   * in memory while the run works. After the run's end it leaves a long wait to the alarm, so that the object can
   * sleep. `isSaid`: the run is over and all its text is shown, so the next run's text may come while this one still
   * cleans up.
   */
  | { kind: "wait"; until: number | null; isSaid: boolean }
  /** The run is over and shown in full. */
  | { kind: "over" }
  /**
   * One call. The thread stores `before`, then calls `send` once. `before` records that the call is under way, so that
   * the mirror recognizes it after a crash. `send` reports failures in `Sent`. A call that fails must lead to a wait,
   * or the thread repeats it at once. `now` is the clock that `send` reads when the answer arrives.
   */
  | { kind: "call"; before: Shown; send(now: () => number): Promise<Sent<Shown>> };

/** `problem` goes to the thread's diagnostics, so it holds no credentials and no text of the conversation. */
export type Sent<Shown = unknown> =
  | { shown: Shown; problem?: string }
  /** The place is gone for good; the text says why. The run is no longer shown. */
  | { gone: string; problem?: string };
