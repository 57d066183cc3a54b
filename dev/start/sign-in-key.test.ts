// Which key `npm start` shows. The server stands for one whose admin key acts until the first user has a key.
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { afterEach, beforeEach, expect, it } from "vitest";
import { findSignInKey, type KeyFile } from "./sign-in-key.ts";

const ADMIN = "the-admin-key";

let server: Server;
let url: string;
let keys: { key_id: string; name: string; key: string }[];
let stored: string | null;
let count = 0;
let dieAfterMaking: boolean;
let state: "active" | "disabled" | "deleted";

const file: KeyFile = {
  path: "start/key",
  read: async () => stored,
  write: async (key) => {
    if (dieAfterMaking) throw new Error("killed");
    stored = key;
  },
};

beforeEach(async () => {
  keys = [];
  stored = null;
  dieAfterMaking = false;
  state = "active";
  server = createServer((request, response) => {
    const key = request.headers.authorization?.slice("Bearer ".length);
    const isAdmin = key === ADMIN;
    const isKnown = keys.some((known) => known.key === key);
    const acts = state === "active" && (isAdmin ? keys.length === 0 : isKnown);
    const { method, url: path = "" } = request;
    const answer = (status: number, body: unknown) => response.writeHead(status).end(JSON.stringify(body));
    if (!isAdmin && !acts) return answer(isKnown ? 403 : 401, {});
    if (method === "GET" && path === "/v1/users/user_first" && isAdmin) return answer(200, { state });
    if (path === "/v1/users/me") return answer(200, { scopes: acts ? ["read", "run", "write"] : ["admin"] });
    if (method === "GET" && path === "/v1/users/user_first/api-keys" && isAdmin) return answer(200, { data: keys });
    if (method === "DELETE" && isAdmin) {
      keys = keys.filter(({ key_id }) => !path.endsWith(`/${key_id}`));
      return response.writeHead(204).end();
    }
    if (method !== "POST" || path !== "/v1/api-keys" || !acts) return answer(403, {});
    count += 1;
    const made = { key_id: `key_${count}`, name: "npm start", key: `tl_${count}` };
    keys.push(made);
    return answer(201, made);
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
});
afterEach(() => new Promise((resolve) => server.close(resolve)));

const find = (keeps: KeyFile | null = file) => findSignInKey({ url, admin_key: ADMIN, file: keeps });

it("a new server gets a key for its first user, and shows the same one after each start", async () => {
  const first = await find();
  expect(first).toEqual({ key: keys[0]?.key, notes: [] });
  expect(stored?.trim()).toBe(first.key);
  expect(await find()).toEqual(first);
  expect(keys).toHaveLength(1);
});

it("a server that continues with the admin key shows it, and says so", async () => {
  const { key, notes } = await find(null);
  expect([key, stored, keys]).toEqual([ADMIN, null, []]);
  expect(notes).toEqual([expect.stringContaining("the key is ADMIN_API_KEY, which also makes users")]);
});

it("says what to do where the first user has a key that this folder does not have", async () => {
  keys.push({ key_id: "key_own", name: "laptop", key: "tl_own" });
  for (const keeps of [file, null]) {
    const { key, notes } = await find(keeps);
    expect([key, keys.length]).toEqual([ADMIN, 1]);
    expect(notes).toEqual([expect.stringContaining("only administers, since user_first has a key of its own")]);
  }
  stored = "tl_own\n";
  expect(await find()).toEqual({ key: "tl_own", notes: [] });
});

it("makes a new key for one that was deleted, and for one that a kill left to nobody", async () => {
  const { key } = await find();
  keys = [];
  const again = await find();
  expect([again.key === key, again.notes, keys.length]).toEqual([false, [], 1]);
  keys = [];
  dieAfterMaking = true;
  await expect(find()).rejects.toThrow("killed");
  dieAfterMaking = false;
  expect(keys).toHaveLength(1);
  const last = await find();
  expect(keys.map((made) => made.key)).toEqual([last.key]);
});

it("keeps the key of a first user who is disabled, for when the user is enabled", async () => {
  const { key } = await find();
  for (state of ["disabled", "deleted"] as const) {
    expect(await find()).toEqual({
      key: ADMIN,
      notes: [`the key is ADMIN_API_KEY and only administers, since user_first is ${state}.`],
    });
  }
  expect([keys.map((made) => made.key), stored?.trim()]).toEqual([[key], key]);
  state = "active";
  expect(await find()).toEqual({ key, notes: [] });
});
