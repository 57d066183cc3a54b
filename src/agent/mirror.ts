// The port of chat platforms: who shows a run elsewhere as it happens. The thread (`src/thread/follow`) drives mirrors and
// knows none of them; `src/mirrors.ts` lists them.
//
// A mirror is a pure decision and the calls that follow from it. The thread hands it what there is to show (the view) and
// what is shown already (`Shown`), and the mirror answers with the next call. The thread stores `Shown` before each call,
// so the next life of the thread's object goes on where this one ended. The thread owns turns, storage, waits, retries,
// alarms and limits; the mirror owns its platform's words, ids and rules.
import type { Result } from "../protocol/error.ts";
import type { MirrorPlace } from "../protocol/mirror.ts";
import type { Run } from "../protocol/run.ts";
import type { RunView } from "./run-view.ts";

/**
 * `Place`, `Shown` and `Question` are JSON. The thread stores them, never looks inside, and gives a mirror only what the
 * same mirror made. They outlive the code: a later version has to read what an earlier one stored. Keep them small (ids,
 * lengths and hashes, no texts), because one row holds them and is written with each call.
 */
export interface RunMirror<Place extends MirrorPlace = MirrorPlace, Shown = unknown, Question extends object = object> {
  /** The `kind` of its places. */
  readonly kind: string;
  /** Its name for people, such as "Slack". */
  readonly name: string;
  /** What is shown before the first call. */
  readonly nothing: Shown;

  /**
   * Reaches a place in the name of the thread's owner: read credentials here, and check that the place belongs to
   * `user_id`. An expected failure is a `Result` and ends the showing of this run. Where it rejects, or takes more than ten
   * seconds, the thread tries again later. Called once whenever the thread takes a run up; nothing is ever closed.
   */
  open(user_id: string, place: Place): Promise<Result<OpenMirror<Place, Shown, Question>>>;

  // What one run leaves to the next. A mirror that needs none of it leaves these out. All are pure and must not throw.

  /** A later message names a place for the thread's runs: what is known at the former place and has to stay known. */
  joinPlaces?(former: Place, given: Place): Place;
  /** The place for later runs, once `shown` stands there. */
  placeAfter?(place: Place, shown: Shown): Place;
  /** The message in which a run that has ended still asks something; null where there is none. */
  question?(shown: Shown): Question | null;
  /** Whether a run with this metadata was made by an answer to the question's own buttons, which then needs no closing. */
  isAnswer?(metadata: Record<string, unknown>): boolean;
}

export interface OpenMirror<
  Place extends MirrorPlace = MirrorPlace,
  Shown = unknown,
  Question extends object = object,
> {
  /**
   * The next step. Pure, synchronous and quick: it is asked again whenever the view has changed, at most every 16 ms. It may
   * throw only for bugs; the thread then tries again later, and gives up after fifteen failures.
   *
   * `shown` is what the last call led to. After a crash, or where `send` rejected, it is the `before` of a call that may or
   * may not have been made: find out, or make a call that does no harm when it is repeated.
   */
  next(showing: Showing<Place, Shown, Question>, now: number): MirrorStep<Shown>;
}

export interface Showing<Place extends MirrorPlace = MirrorPlace, Shown = unknown, Question extends object = object> {
  /** All that there is up to now. The thread changes it as events come: read it, and don't keep it. */
  view: RunView;
  shown: Shown;
  place: Place;
  run: { thread_id: string; invocation_id: string };
  /** The question of the run before, with that run where it is still known; null where nothing is to be done about it. */
  asked: (Question & { run: Run | null }) | null;
}

export type MirrorStep<Shown = unknown> =
  /**
   * Nothing to call for now. The thread asks again when the view changes or at `until` (ms). While the run works that is in
   * memory; after its end a long wait is left to the alarm, so that the object can sleep. `isSaid`: the run is over and all
   * its words are shown, so the next run's may come while this one still clears up.
   */
  | { kind: "wait"; until: number | null; isSaid: boolean }
  /** The run is over and shown as a whole. */
  | { kind: "over" }
  /**
   * One call. The thread stores `before`, then calls `send` once. `before` says that the call is under way, so that it can be
   * recognized after a crash. `send` reports failures in `Sent`; a call that fails must lead to a wait, or the thread
   * repeats it at once. `now` tells the time when the answer is there.
   */
  | { kind: "call"; before: Shown; send(now: () => number): Promise<Sent<Shown>> };

/** `problem` goes to the thread's diagnostics: no credentials, and no text of the conversation. */
export type Sent<Shown = unknown> =
  | { shown: Shown; problem?: string }
  /** The place is gone for good; why. The run is no longer shown. */
  | { gone: string; problem?: string };
