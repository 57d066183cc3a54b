// The receipts of a run over HTTP, from real objects: page by page, and as documents.
import { env, runInDurableObject } from "cloudflare:test";
import { beforeAll, describe, expect, it } from "vitest";
import type { Receipt } from "../../src/protocol/plan/check.ts";
import { syncThread } from "../../src/store/sync.ts";
import { makeReceipt } from "../fakes/receipts.ts";
import { objectOf } from "./faulty-object.ts";
import type { Sender } from "./hook-client.ts";
import { realUser } from "./real-client.ts";

const key = { user_id: "user_run_receipts", thread_id: "thread-receipts" };
const runs = `/v1/threads/${key.thread_id}/runs`;
const path = `${runs}/inv-checked/receipts`;
let client: Sender;

/** Completes the only task, whose check passes in the sandbox. */
const script = `[[tool update_tasks {"task_ids":["task_1"],"status":"completed"}]] [[then]] [[text Done.]]`;

beforeAll(async () => {
  client = await realUser(key.user_id);
  await client.send("POST", "/v1/threads", { thread_id: key.thread_id });
  const checks = [{ type: "command", run: "echo 12 passed" }];
  const operations = [{ op: "create", section_title: "S", task_contents: [{ content: "The cart", checks }] }];
  expect((await client.send("PATCH", `/v1/threads/${key.thread_id}/tasks`, { operations })).status).toBe(200);
  const ended = await client.send("POST", `${runs}?wait=1`, { message: script, invocation_id: "inv-checked" });
  expect(ended.body).toMatchObject({ status: "completed", checked_tasks: { verified: 1 } });
  await client.send("POST", `${runs}?wait=1`, { message: "[[text Hello.]]", invocation_id: "inv-plain" });
});

/** As if the run had run it again, five times. */
async function addReceipts(): Promise<void> {
  const more = Array.from({ length: 5 }, (_, place) =>
    makeReceipt({ receipt_id: `rcpt_more_${place}`, invocation_id: "inv-checked", output_head: "x".repeat(20_000) }),
  );
  await runInDurableObject(objectOf(key), (_, { storage }) => {
    for (const receipt of more) {
      const values = [receipt.receipt_id, receipt.task_id, JSON.stringify(receipt)];
      storage.sql.exec("INSERT INTO receipts (receipt_id, task_id, content) VALUES (?, ?, ?)", ...values);
    }
  });
  // A change of the plan brings them to D1.
  const operations = [{ op: "create", section_title: "S", task_contents: ["More"] }];
  await client.send("PATCH", `/v1/threads/${key.thread_id}/tasks`, { operations });
}

const idsOf = (data: unknown) => (data as Receipt[]).map(({ receipt_id }) => receipt_id);

describe("receipts of a run", () => {
  it("are listed, those of the run alone", async () => {
    const { status, body } = await client.send("GET", path);
    expect(status).toBe(200);
    expect(body).toMatchObject({
      data: [{ invocation_id: "inv-checked", outcome: "passed", author: "person", output_head: "12 passed\n" }],
      next_cursor: null,
    });
    expect((await client.send("GET", `${runs}/inv-plain/receipts`)).body).toEqual({ data: [], next_cursor: null });
    expect(
      await env.DB.prepare("SELECT count(*) AS n FROM receipts WHERE user_id = ?").bind(key.user_id).first("n"),
    ).toBe(1);
  });

  it("are listed page by page", async () => {
    await addReceipts();
    const readAll = async (): Promise<Receipt[][]> => {
      const pages: Receipt[][] = [];
      let cursor: string | null = null;
      do {
        const { body }: { body: Record<string, unknown> } = await client.send(
          "GET",
          `${path}?limit=2${cursor === null ? "" : `&cursor=${cursor}`}`,
        );
        pages.push(body.data as Receipt[]);
        cursor = (body.next_cursor ?? null) as string | null;
      } while (cursor !== null);
      return pages;
    };
    const fromStore = await readAll();
    expect(fromStore.map(({ length }) => length)).toEqual([2, 2, 2]);
    expect(fromStore[1]?.[0]?.output_head).toHaveLength(4_000);
  });

  it("are documents to save, named after the run", async () => {
    const junit = await client.send("GET", `${path}/junit`);
    expect(junit.text).toMatch(/^<\?xml version="1.0" encoding="UTF-8"\?>\n<testsuites>\n<testsuite name="The cart"/);
    expect(junit.headers.get("content-type")).toBe("application/xml; charset=utf-8");
    expect(junit.headers.get("content-disposition")).toBe('attachment; filename="receipts-inv-checked.xml"');
    const markdown = await client.send("GET", `${path}/markdown`);
    expect(markdown.text).toMatch(/^# Receipts of the run `inv-checked`\n/);
    expect(markdown.headers.get("content-type")).toBe("text/markdown; charset=utf-8");
    for (const { headers } of [junit, markdown]) {
      expect(headers.get("x-content-type-options")).toBe("nosniff");
      expect(headers.get("content-security-policy")).toBe("sandbox");
    }
  });

  it("are refused for runs and formats that there are not, and for a bad cursor", async () => {
    const answers = await Promise.all(
      [`${runs}/inv-none/receipts`, `${runs}/inv-none/receipts/junit`, `${path}/pdf`].map((of) =>
        client.send("GET", of),
      ),
    );
    expect(answers.map(({ status }) => status)).toEqual([404, 404, 404]);
    expect((await client.send("GET", `${path}?cursor=x`)).body.code).toBe("bad_cursor");
    const other = await realUser("user_run_receipts_other");
    expect((await other.send("GET", path)).status).toBe(404);
  });

  it("need the scope to read", async () => {
    const made = await client.send("POST", "/v1/api-keys", { scopes: ["read"] });
    const reader = client.as(String(made.body.key));
    expect((await reader.send("GET", `${path}/junit`)).status).toBe(200);
    expect(idsOf((await reader.send("GET", path)).body.data)).toHaveLength(6);
  });

  it("are refused while D1 lacks the newest", async () => {
    const table = "ALTER TABLE receipts RENAME TO hidden_receipts";
    await env.DB.prepare(table).run();
    try {
      // The next batch finds no table, so D1 can't be brought up to date.
      const operations = [{ op: "create", section_title: "S", task_contents: ["While D1 is away"] }];
      await runInDurableObject(objectOf(key), (_, { storage }) => {
        const receipt = makeReceipt({ receipt_id: "rcpt_away", invocation_id: null });
        storage.sql.exec(
          "INSERT INTO receipts (receipt_id, task_id, content) VALUES ('rcpt_away', 'task_1', ?)",
          JSON.stringify(receipt),
        );
      });
      await client.send("PATCH", `/v1/threads/${key.thread_id}/tasks`, { operations });
      for (const of of [path, `${path}/junit`, `${path}/markdown`]) {
        expect(await client.send("GET", of)).toMatchObject({ status: 503, body: { code: "overloaded" } });
      }
    } finally {
      await env.DB.prepare("ALTER TABLE hidden_receipts RENAME TO receipts").run();
    }
  });

  it("go with their thread", async () => {
    expect((await client.send("DELETE", `/v1/threads/${key.thread_id}`)).status).toBe(204);
    expect(
      await env.DB.prepare("SELECT count(*) AS n FROM receipts WHERE user_id = ?").bind(key.user_id).first("n"),
    ).toBe(0);
    const late = { key, project: null, thread: null, messages: [], runs: [], receipts: [{ ...makeReceipt(), seq: 1 }] };
    await syncThread(env.DB, late);
    expect((await client.send("GET", path)).status).toBe(404);
  });
});
