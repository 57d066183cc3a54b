// What the journal's table answers for a returning reader: the same as a scan of every row, at the cost of a few rows.

import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { anyScript } from "../../../../test/fakes/any-script.ts";
import { ScriptedThread } from "../../../../test/fakes/scripted-thread.ts";
import { finished, Stage } from "../../../../test/fakes/stage.ts";
import type { Sql } from "../../rows/database.ts";
import { ReplayNumbers } from "./replay-numbers.ts";
import { isReplayNumber, readSpanning } from "./rows.ts";

/** Scans every row. */
function spanningByScan(sql: Sql, seq: number): number[] {
  return sql
    .exec<{ seq: number }>("SELECT seq FROM journal WHERE seq > ? AND from_seq <= ? ORDER BY seq", seq, seq)
    .toArray()
    .map((row) => row.seq);
}

/** Seconds, and several times as many beside other work. */
const patient = { timeout: 120_000 };

/** The same table, which counts the rows that it returned. */
function counted(sql: Sql): { sql: Sql; rows: number } {
  const counting = {
    rows: 0,
    sql: {
      exec: <Row extends Record<string, string | number | null>>(query: string, ...bindings: never[]) => {
        const cursor = sql.exec<Row>(query, ...bindings);
        counting.rows += cursor.toArray().length;
        return cursor;
      },
    } as Sql,
  };
  return counting;
}

describe("numbers of replays", () => {
  it("are known in memory as the rows have them, in any thread, at any number, at any time", patient, () => {
    let found = 0;
    fc.assert(
      fc.property(anyScript({ disasters: true }), (script) => {
        const thread = new ScriptedThread();
        const compare = () => {
          const { journal, database } = thread;
          for (let seq = journal.log.floor; seq <= journal.newest; seq++) {
            const isReplay = isReplayNumber(database.sql, seq);
            found += isReplay ? 1 : 0;
            expect(journal.replay.canFollow(seq), String(seq)).toBe(!isReplay);
          }
        };
        for (const step of script) {
          thread.perform(step);
          compare();
        }
        thread.finish();
        compare();
      }),
      { numRuns: 100 },
    );
    expect(found).toBeGreaterThan(1000);
  });

  it("below what memory holds are dropped", () => {
    const numbers = new ReplayNumbers();
    for (let from = 0; from < 10_000; from += 10) numbers.add(from, from + 2, from);
    expect([0, 500, 9_000].map((seq) => numbers.has(seq))).toEqual([false, false, false]);
    expect([9_989, 9_990, 9_992, 9_993].map((seq) => numbers.has(seq))).toEqual([false, true, true, false]);
  });
});

describe("the rows that span a number", () => {
  it("are those that a scan of every row finds, in any thread, at any number, at any time", patient, async () => {
    let found = 0;
    await fc.assert(
      fc.property(anyScript({ disasters: true }), (script) => {
        const thread = new ScriptedThread();
        const { sql } = thread.database;
        const compare = (from: number, last = thread.journal.newest) => {
          for (let seq = from; seq <= last; seq++) {
            const spanning = readSpanning(sql, seq).map((row) => row.seq);
            found += spanning.length;
            expect(spanning).toEqual(spanningByScan(sql, seq));
          }
        };
        for (const step of script) {
          thread.perform(step);
          compare(thread.journal.newest - 3);
        }
        thread.finish();
        const sent = [thread.journal.newest, ...thread.lives.map(({ last }) => last)];
        for (const last of sent) compare(Math.max(0, last - 200), last);
      }),
      { numRuns: 150 },
    );
    expect(found).toBeGreaterThan(1000);
  });

  it("cost a few rows in a thread of ten thousand", () => {
    const { database, open, store, fact, journal } = new Stage();
    const numbers: number[] = [];
    for (let count = 0; count < 5000; count++) {
      open(`p${count}`);
      journal.addDelta(`p${count}`, "text");
      numbers.push(journal.newest);
      store(`p${count}`);
      numbers.push(fact(finished));
    }
    const counting = counted(database.sql);
    for (const seq of [0, ...numbers.slice(0, 20)]) {
      counting.rows = 0;
      expect(readSpanning(counting.sql, seq).map((row) => row.seq)).toEqual(spanningByScan(database.sql, seq));
      expect(counting.rows).toBeLessThanOrEqual(8);
    }
  });
});
