import { describe, expect, it } from "vitest";
import { reply } from "../../../test/fakes/replies.ts";
import { openDatabase } from "../../../test/fakes/sqlite-database.ts";
import { FakeThread } from "../../../test/fakes/thread.ts";
import type { ReplyExtras } from "../../agent/model.ts";
import { readMessagePage } from "../rows/reads.ts";
import { createTables } from "../rows/tables.ts";
import { keepExtras, readExtras } from "./reply-extras.ts";
import { readHistory } from "./summaries.ts";

const CANARY = "canary-of-a-signature";
const extras = (text: string): ReplyExtras => ({ origin: "host family", values: { reasoning: text } });

function openSql() {
  const { sql } = openDatabase();
  createTables(sql);
  return sql;
}

describe("what a provider wants back", () => {
  it("is kept with its reply, and read again by the next life", async () => {
    const thread = new FakeThread({ replies: [async () => reply({ text: "Hi.", extras: extras(CANARY) })] });
    await thread.run("hello");
    thread.crash();
    const { history } = readHistory(thread.life.database.sql);
    expect(history.at(-1)).toEqual({ role: "assistant", content: "Hi.", extras: extras(CANARY) });
  });

  it("is in no message, no event and no row of D1", async () => {
    const thread = new FakeThread({ replies: [async () => reply({ text: "Hi.", extras: extras(CANARY) })] });
    const reader = await thread.run("hello");
    const page = readMessagePage(thread.life, { types: [], after: null, cursor: null, limit: 100 });
    expect(JSON.stringify(page)).toContain("Hi.");
    for (const seen of [reader.text, JSON.stringify(page), JSON.stringify(thread.batches)])
      expect(seen).not.toContain(CANARY);
    const journal = thread.life.database.sql.exec<{ events: string }>("SELECT events FROM journal").toArray();
    expect(JSON.stringify(journal)).not.toContain(CANARY);
  });

  it("is left out as a whole above 256 KiB of UTF-8", () => {
    const sql = openSql();
    keepExtras(sql, 1, extras("汉".repeat(80_000)));
    keepExtras(sql, 2, extras("汉".repeat(90_000)));
    expect([...readExtras(sql, 0).keys()]).toEqual([1]);
  });

  it("costs a damaged row no more than itself", () => {
    const sql = openSql();
    keepExtras(sql, 1, extras("a"));
    keepExtras(sql, 2, extras("b"));
    sql.exec("UPDATE reply_extras SET content = '{\"origin\":1}' WHERE seq = 1");
    expect([...readExtras(sql, 0).keys()]).toEqual([2]);
  });
});
