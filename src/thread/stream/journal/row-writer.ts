// Writes rows of the journal. Each is billed, so what one transaction stores under neighbouring numbers is one row: the
// results of calls with what follows from them, the end of a run with the text before it.
import type { Sql } from "../../rows/database.ts";
import { GAP, insertRow, type JournalRow } from "./rows.ts";

interface NewRow {
  row: Omit<JournalRow, "events">;
  invocation_id: string;
  /** Events as JSON. */
  texts: string[];
  /** STARTs of parts that are not stored. */
  unstored: number[];
}

/** A reader gets a row as a whole. */
const MAX_JOINED_CHARACTERS = 100_000;

export class RowWriter {
  readonly #sql: Sql;
  #isGathering = false;
  /** The row that is written next, once nothing more can join it. */
  #next: NewRow | null = null;

  constructor(sql: Sql) {
    this.#sql = sql;
  }

  /** For whoever reads rows: all of them are written. */
  get sql(): Sql {
    this.#write();
    return this.#sql;
  }

  /** What `change` inserts may become fewer rows. Inside a transaction. */
  gather<Value>(change: () => Value): Value {
    this.#isGathering = true;
    try {
      const value = change();
      this.#write();
      return value;
    } finally {
      this.#next = null;
      this.#isGathering = false;
    }
  }

  insert(added: NewRow): void {
    if (this.#next !== null && joinRow(this.#next, added)) return;
    this.#write();
    this.#next = added;
    if (!this.#isGathering) this.#write();
  }

  #write(): void {
    if (this.#next === null) return;
    const { row, invocation_id, texts, unstored } = this.#next;
    insertRow(this.#sql, row, invocation_id, `[${texts.join(",")}]`, unstored);
    this.#next = null;
  }
}

/** Adds a fact to the row before it, if readers at every number then get the same as of two rows. */
function joinRow(before: NewRow, { row, invocation_id, texts }: NewRow): boolean {
  const isFact = row.start_count === 0 && row.from_seq === before.row.seq + 1;
  if (!isFact || invocation_id !== before.invocation_id || !hasPlainNumbers(before)) return false;
  if (countCharacters(before.texts) + countCharacters(texts) > MAX_JOINED_CHARACTERS) return false;
  before.texts.push(...texts);
  before.row.seq = row.seq;
  if (before.row.start_count === 0) before.row.last_seq = row.seq;
  return true;
}

/**
 * Whether a replay gives the row's last events the numbers that they have live. It does not if other parts were open at
 * its end: then the END has a number for replays, too.
 */
function hasPlainNumbers({ row: { start_count, replay_from, replay_to } }: NewRow): boolean {
  if (start_count === GAP) return false;
  const onlyReplayed = start_count === 0 ? 0 : start_count + 1;
  return replay_to - replay_from + 1 === onlyReplayed;
}

function countCharacters(texts: string[]): number {
  return texts.reduce((sum, text) => sum + text.length, 0);
}
