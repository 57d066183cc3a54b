// What a reader gets that comes back with a number: which rows it lacks, and whether it can go on from them, from
// memory, or not at all.
import type { ThreadEvent } from "../../../protocol/event.ts";
import type { FrameLog } from "../memory/frame-log.ts";
import type { Numbers } from "./numbers.ts";
import type { LivePart } from "./parts.ts";
import type { ReplayNumbers } from "./replay-numbers.ts";
import type { RowWriter } from "./row-writer.ts";
import * as rows from "./rows.ts";

/** What a journal keeps. `parts` are in the order in which they began. */
interface Kept {
  rows: RowWriter;
  log: FrameLog;
  parts: ReadonlyMap<string, LivePart>;
  numbers: Numbers;
  replays: ReplayNumbers;
  /** The highest number that may be sent. */
  released: () => number;
}

export class Replay {
  readonly #kept: Kept;

  constructor(kept: Kept) {
    this.#kept = kept;
  }

  /**
   * Stored rows after `seq` in order, as far as a replay may send them: not past the START of a part that is not stored
   * yet, since that part's row would then come too late.
   */
  rowsAfter(seq: number, limit: number): rows.JournalRow[] {
    return rows.readRows(this.#kept.rows.sql, seq, this.replayable, limit);
  }

  /** The last number that a replay of rows may reach. */
  get replayable(): number {
    return Math.min(this.#kept.released(), this.#oldestPart() - 1);
  }

  /** Stored rows after `seq` in order, also those past the START of a part that is not stored yet. */
  releasedRowsAfter(seq: number, limit: number): rows.JournalRow[] {
    return rows.readRows(this.#kept.rows.sql, seq, this.#kept.released(), limit);
  }

  /**
   * The events of a row that a reader with everything up to `seq` lacks, under numbers above `seq`. A `bare` reader has
   * nothing of the parts that were open at `seq`.
   */
  eventsOf(row: rows.JournalRow, seq: number, bare = false): { seq: number; event: ThreadEvent }[] {
    return rows.readEvents(this.#kept.rows.sql, row, seq, bare);
  }

  /** Whether a reader that has everything up to `seq` can get exactly the rest. */
  canResume(seq: number): boolean {
    if (seq > this.#kept.numbers.newest) return false;
    if (this.canFollow(seq)) return true;
    // False if the first deltas of a part that is not stored yet have left memory, or the reader is past its START
    // without having it.
    return this.#oldestPart() > this.#kept.log.floor && this.canReplay(seq);
  }

  /** Whether a reader that has everything up to `seq` can go on from rows, stored now or later. */
  canReplay(seq: number): boolean {
    if (this.#oldestPart() <= seq) return false;
    return rows.isReplayNumber(this.#kept.rows.sql, seq) || rows.canComplete(this.#kept.rows.sql, seq);
  }

  /** Whether a reader that comes back with `seq` can go on from memory alone. */
  canFollow(seq: number): boolean {
    const { log, numbers, replays } = this.#kept;
    if (seq < log.floor) return false;
    return seq > numbers.former ? !replays.has(seq) : !rows.isReplayNumber(this.#kept.rows.sql, seq);
  }

  /** Whether a replay that reached `seq` can go on from memory: no part began before `seq` and ends after it. */
  canGoLive(seq: number): boolean {
    return seq >= this.#kept.log.floor && this.hasNothingOpen(seq);
  }

  /** Whether a part that was open at `seq` became void. */
  isVoid(seq: number): boolean {
    return rows.readSpanning(this.#kept.rows.sql, seq).some(({ start_count }) => start_count === rows.GAP);
  }

  /** Whether no part was open at `seq`. */
  hasNothingOpen(seq: number): boolean {
    return this.#oldestPart() > seq && rows.readSpanning(this.#kept.rows.sql, seq).length === 0;
  }

  /** The START of the oldest part that is not stored yet. */
  #oldestPart(): number {
    for (const part of this.#kept.parts.values()) return part.from;
    return Number.POSITIVE_INFINITY;
  }
}
