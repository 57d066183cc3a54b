import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { openDatabase } from "../../../test/fakes/sqlite-database.ts";
import { cutText, readMeta, readText, writeMeta, writeText } from "./database.ts";
import { createTables, hasTable, hasTables } from "./tables.ts";

const anyText = fc.string({ unit: fc.constantFrom("a", "é", "电", "🛒", "\n", '"'), maxLength: 40 });

function overflowOf(sql: ReturnType<typeof openDatabase>["sql"], owner: string): string[] {
  return sql
    .exec<{ text: string }>("SELECT text FROM overflow WHERE owner = ? ORDER BY part", owner)
    .toArray()
    .map(({ text }) => text);
}

describe("cutText", () => {
  it("loses nothing, keeps pieces short and surrogate pairs whole", () => {
    return fc.assert(
      fc.property(anyText, fc.integer({ min: 2, max: 9 }), (text, units) => {
        const pieces = cutText(text, units);
        expect(pieces.join("")).toBe(text);
        for (const piece of pieces) {
          expect(piece.length).toBeLessThanOrEqual(units);
          expect(piece.length).toBeGreaterThan(0);
          expect(piece.isWellFormed()).toBe(true);
        }
      }),
    );
  });

  it("ends even if each cut falls into a surrogate pair", () => {
    expect(cutText("\ud83d\ud83d\ud83d", 2).join("")).toBe("\ud83d\ud83d\ud83d");
  });
});

describe("writeText and readText", () => {
  it.each([
    ["ASCII just within the limit", "a".repeat(1_000_000), true],
    ["ASCII just over it", "a".repeat(1_000_001), false],
    ["Chinese just within it", "电".repeat(333_333), true],
    ["Chinese just over it", "电".repeat(333_334), false],
    ["an emoji at the first cut", `${"a".repeat(299_999)}🛒${"电".repeat(400_000)}`, false],
    ["an emoji at each cut", "🛒".repeat(700_001), false],
  ])("bring back %s", (_name, text, fits) => {
    const { sql } = openDatabase();
    const column = writeText(sql, "owner", text);
    expect(column === null).toBe(!fits);
    expect(readText(sql, "owner", column)).toBe(text);
    for (const piece of overflowOf(sql, "owner")) {
      expect(new TextEncoder().encode(piece).byteLength).toBeLessThanOrEqual(1_000_000);
    }
  });

  it("leave no rest of a longer text that had the same owner", () => {
    const { sql } = openDatabase();
    writeText(sql, "owner", "a".repeat(1_500_000));
    writeText(sql, "other", "c".repeat(1_500_000));
    const column = writeText(sql, "owner", "b".repeat(1_000_001));
    expect(readText(sql, "owner", column)).toBe("b".repeat(1_000_001));
    expect(readText(sql, "other", null)).toBe("c".repeat(1_500_000));
  });
});

describe("the tables", () => {
  it("can be created again over stored rows without a loss", () => {
    const { sql } = openDatabase();
    writeMeta(sql, "thread", { title: "商店 🛒" });
    createTables(sql);
    expect(readMeta(sql, "thread", (value) => value)).toEqual({ title: "商店 🛒" });
    writeMeta(sql, "thread", null);
    expect(readMeta(sql, "thread", (value) => value)).toBeNull();
    expect(readMeta(sql, "never written", (value) => value)).toBeNull();
  });

  it("take one statement in a new thread, and are looked for once in a life", () => {
    const database = openDatabase();
    expect(database.statements).toBe(1);
    expect([hasTables(database.sql), hasTable(database.sql, "overflow"), hasTables(database.sql)]).toEqual([
      true,
      false,
      true,
    ]);
    expect(database.statements).toBe(2);
  });

  it("that few threads need are made by the first statement that names them, also within a transaction", () => {
    const database = openDatabase();
    const names = () =>
      database.sql
        .exec<{ name: string }>("SELECT name FROM sqlite_master")
        .toArray()
        .map(({ name }) => name);
    expect(names()).not.toContain("overflow");
    expect(hasTable(database.sql, "overflow")).toBe(false);
    const column = database.transaction(() => writeText(database.sql, "owner", "a".repeat(1_000_001)));
    expect(readText(database.sql, "owner", column)).toBe("a".repeat(1_000_001));
    expect(hasTable(database.sql, "overflow")).toBe(true);
    expect(names()).not.toContain("steered");
    expect(() => database.sql.exec("SELECT 1 FROM elsewhere")).toThrow("no such table: elsewhere");
  });

  it("that a failed transaction has made are made again", () => {
    const database = openDatabase();
    const fill = () => writeText(database.sql, "owner", "b".repeat(1_000_001));
    const change = () =>
      database.transaction(() => {
        fill();
        throw new Error("in the middle");
      });
    expect(change).toThrow("in the middle");
    expect(readText(database.sql, "owner", fill())).toBe("b".repeat(1_000_001));
  });

  it("change all or nothing", () => {
    const database = openDatabase();
    writeMeta(database.sql, "key", 1);
    const change = () =>
      database.transaction(() => {
        writeMeta(database.sql, "key", 2);
        throw new Error("amid the change");
      });
    expect(change).toThrow("amid the change");
    expect(readMeta(database.sql, "key", (value) => value)).toBe(1);
  });
});
