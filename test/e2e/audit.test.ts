// What is done has its entry in the audit, over TCP: from clients that are gone before the answer, and over a kill of
// the whole runtime between act and outcome.
import { connect } from "node:net";
import { setTimeout } from "node:timers/promises";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { clientOf, type ServerClient } from "../setup/server-client.ts";
import { startTaskloom, type Taskloom } from "./harness.ts";

let taskloom: Taskloom;
/** A user's own: the admin key makes one key for the first user, and no other. */
let key: string;
let owner: ServerClient;

beforeAll(async () => {
  taskloom = await startTaskloom({}, "test/e2e/slow-database-worker.ts");
  ({ api_key: key } = await taskloom.json<{ api_key: string }>("POST", "/v1/users", { user_id: "owner" }));
  owner = clientOf({ url: taskloom.url, key });
});
afterAll(() => taskloom?.close());

interface Entry {
  entry_id: string;
  action: string;
  target: string | null;
  outcome: string | null;
  source: { address?: string | null };
}

async function readAll<Row>(path: string): Promise<Row[]> {
  const rows: Row[] = [];
  let cursor = "";
  for (;;) {
    const page = await owner.json<{ data: Row[]; next_cursor: string | null }>("GET", `${path}${cursor}`);
    rows.push(...page.data);
    if (page.next_cursor === null) return rows;
    cursor = `&cursor=${page.next_cursor}`;
  }
}

const readEntries = () => readAll<Entry>("/v1/audit?limit=200&action=api_key.create");
const readKeys = () => readAll<{ key_id: string; name: string }>("/v1/api-keys?limit=200");

/** Sends a whole request, and destroys the socket after so many ms. */
async function sendAndLeave(name: string, after_ms: number): Promise<void> {
  const { port } = new URL(taskloom.url);
  const body = JSON.stringify({ name });
  const head = [
    "POST /v1/api-keys HTTP/1.1",
    `Host: 127.0.0.1:${port}`,
    `Authorization: Bearer ${key}`,
    "Content-Type: application/json",
    "CF-Connecting-IP: 203.0.113.66",
    "X-Forwarded-For: 203.0.113.66",
    `Content-Length: ${body.length}`,
  ];
  const socket = connect(Number(port), "127.0.0.1");
  socket.on("error", () => {});
  await new Promise<void>((resolve) => socket.write(`${head.join("\r\n")}\r\n\r\n${body}`, () => resolve()));
  await setTimeout(after_ms);
  socket.destroy();
}

describe("a client that is gone before the answer", () => {
  it("leaves an entry with its outcome for each act that was done, and no act without one", async () => {
    const [sent, at_once] = [80, 8];
    for (let first = 0; first < sent; first += at_once) {
      // From gone at once, over gone between the entry and its outcome, to gone after the answer.
      const leave = (place: number) => sendAndLeave(`left-${first + place}`, place * 10);
      await Promise.all(Array.from({ length: at_once }, (_, place) => leave(place)));
    }
    const read = async () => {
      const made = (await readKeys()).filter(({ name }) => name.startsWith("left-"));
      const entries = await readEntries();
      const open = entries.filter(({ outcome }) => outcome === null).length;
      const done = new Set(entries.filter(({ outcome }) => outcome === "done").map(({ target }) => target));
      return { made, entries, open, done };
    };
    // What continues behind may add a key between two reads.
    await expect
      .poll(async () => {
        const { made, done, open } = await read();
        return { open, unknown: made.filter(({ key_id }) => !done.has(key_id)), others: done.size - made.length };
      })
      .toEqual({ open: 0, unknown: [], others: 0 });
    const { made, entries } = await read();
    // Some were cut off before the server had read them, and some were not.
    expect(made.length).toBeGreaterThan(0);
    // What a client claims to be its address does not count: under `npm start` it is the machine's own.
    expect(new Set(entries.map(({ source }) => source.address))).toEqual(new Set(["127.0.0.1"]));
  });
});

describe("a runtime that is killed while many acts are under way", () => {
  it("has an entry for each that was done, though not each has its outcome", async () => {
    for (let kill = 0; kill < 3; kill++) {
      const acts = Array.from({ length: 20 }, (_, place) =>
        owner.request("POST", "/v1/api-keys", { name: `killed-${kill}-${place}` }).catch(() => null),
      );
      // Some are answered already, and most are not.
      await Promise.any(acts);
      await setTimeout(kill * 15);
      await taskloom.runtime.restart();
      await Promise.all(acts);
    }
    const made = (await readKeys()).filter(({ name }) => name.startsWith("killed-"));
    const entries = await readEntries();
    const done = new Set(entries.filter(({ outcome }) => outcome === "done").map(({ target }) => target));
    const open = entries.filter(({ outcome }) => outcome === null).length;
    expect(made.length).toBeGreaterThan(0);
    // The entry of what a kill met has no outcome and no target yet: there is one for each such key at least.
    expect(made.filter(({ key_id }) => !done.has(key_id)).length).toBeLessThanOrEqual(open);
  });
});
