// Whoever guesses keys is slowed down, at no cost for D1, and keeps nobody else out.
import { env } from "cloudflare:test";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { mintApiKey } from "../../src/http/api-key.ts";
import { ADMIN_KEY_ID } from "../../src/protocol/ids.ts";
import { ADMIN_KEY, type Client, createClient } from "./http-client.ts";

const PATH = "/v1/users/me";
const LONG_ADMIN_KEY = "an-admin-key-that-is-long-enough-not-to-be-guessed";

let logged: string[] = [];

beforeEach(() => {
  logged = [];
  // Nobody is let in again while a test sends.
  vi.useFakeTimers({ toFake: ["Date"] });
  vi.spyOn(console, "warn").mockImplementation((line) => void logged.push(String(line)));
});
afterEach(() => {
  vi.restoreAllMocks();
  vi.useRealTimers();
});

/** A key of the right form that belongs to nobody. */
async function strangersKey(): Promise<string> {
  return (await mintApiKey({ name: null, made_by: ADMIN_KEY_ID }, Date.now())).key;
}

/** D1, which counts what is asked of it. */
function countingDatabase(): { DB: D1Database; asked: () => number } {
  let asked = 0;
  const DB = new Proxy(env.DB, {
    get(target, name) {
      if (name === "prepare") asked += 1;
      const value = Reflect.get(target, name) as unknown;
      return typeof value === "function" ? value.bind(target) : value;
    },
  });
  return { DB, asked: () => asked };
}

function from(client: Client, address: string, key: string | null, path = PATH) {
  return client.as(key).send("GET", path, undefined, { "cf-connecting-ip": address });
}

/** Sends wrong keys until the address is slowed down. */
async function exhaust(client: Client, address: string): Promise<void> {
  for (let sent = 0; sent < 100; sent++) {
    if ((await from(client, address, await strangersKey())).status === 429) return;
  }
  throw new Error("a hundred wrong keys were all looked up");
}

describe("wrong keys of one address", { timeout: 60_000 }, () => {
  it("are answered with 429 and a time to wait after some, and D1 is not read for them", async () => {
    const { DB, asked } = countingDatabase();
    const client = createClient({ DB });
    expect((await from(client, "192.0.2.1", await strangersKey())).status).toBe(401);
    // The key, and once the migrations.
    expect(asked()).toBe(2);
    await exhaust(client, "192.0.2.1");
    const before = asked();
    for (const key of [await strangersKey(), "guess", "tl_guess", `${ADMIN_KEY}x`]) {
      const answer = await from(client, "192.0.2.1", key);
      expect(answer).toMatchObject({ status: 429, body: { code: "rate_limited" } });
      expect(Number(answer.headers.get("retry-after"))).toBeGreaterThan(0);
    }
    expect(asked()).toBe(before);
  });

  it("that arrive at the same moment are bounded too, and paid for later", async () => {
    const { DB, asked } = countingDatabase();
    const client = createClient({ DB });
    const keys = await Promise.all(Array.from({ length: 300 }, strangersKey));
    const answers = await Promise.all(keys.map((key) => from(client, "192.0.2.13", key)));
    expect(asked()).toBeLessThanOrEqual(121);
    expect(answers.filter(({ status }) => status === 429).length).toBeGreaterThanOrEqual(180);
    const answer = await from(client, "192.0.2.13", "guess");
    expect(answer.status).toBe(429);
    expect(Number(answer.headers.get("retry-after"))).toBeGreaterThan(50);
  });

  it("are one line in the log once they are slowed down", async () => {
    const client = createClient();
    await exhaust(client, "192.0.2.2");
    const about = logged.filter((line) => line.includes('"wrong_keys"'));
    expect(about).toEqual([expect.stringContaining('"address":"192.0.2.2"')]);
    logged = [];
    for (let sent = 0; sent < 50; sent++) await from(client, "192.0.2.2", "guess");
    expect(logged).toEqual([]);
  });

  it("slow down neither other addresses nor keys that were used there before", async () => {
    const client = createClient({ ADMIN_API_KEY: LONG_ADMIN_KEY });
    const made = await client.as(LONG_ADMIN_KEY).send("POST", "/v1/users", { user_id: "user_office" });
    const key = String(made.body.api_key);
    expect((await from(client, "192.0.2.3", key)).status).toBe(200);
    await exhaust(client, "192.0.2.3");
    expect((await from(client, "192.0.2.3", key)).status).toBe(200);
    expect((await from(client, "192.0.2.3", LONG_ADMIN_KEY)).status).toBe(200);
    expect((await from(client, "192.0.2.4", await strangersKey())).status).toBe(401);
    const other = String((await client.as(key).send("POST", "/v1/api-keys", {})).body.key);
    expect((await from(client, "192.0.2.4", other)).status).toBe(200);
  });

  it("count once where a client repeats an old one, which slows down no neighbour", async () => {
    const { DB, asked } = countingDatabase();
    const client = createClient({ DB });
    const key = await strangersKey();
    expect((await from(client, "192.0.2.14", key)).status).toBe(401);
    const before = asked();
    logged = [];
    for (let sent = 0; sent < 200; sent++) expect((await from(client, "192.0.2.14", key)).status).toBe(401);
    expect([asked(), logged]).toEqual([before, []]);
    const ada = await createClient().addUser("user_neighbour");
    const right = String((await ada.send("POST", "/v1/api-keys", {})).body.key);
    expect((await from(client, "192.0.2.14", right)).status).toBe(200);
  });

  it("count for the whole network of an IPv6 address", async () => {
    const client = createClient();
    await exhaust(client, "2001:db8:1:2::1");
    expect((await from(client, "2001:db8:1:2:ffff::9", "guess")).status).toBe(429);
    expect((await from(client, "2001:db8:1:3::1", "guess")).status).toBe(401);
  });

  it("can't guess a short admin key, which works from elsewhere meanwhile", async () => {
    const client = createClient({ ADMIN_API_KEY: "short" });
    await exhaust(client, "192.0.2.5");
    expect((await from(client, "192.0.2.5", "short")).status).toBe(429);
    expect((await from(client, "192.0.2.6", "short")).status).toBe(200);
  });

  it("count together with wrong tickets", async () => {
    const { DB, asked } = countingDatabase();
    const client = createClient({ DB });
    await exhaust(client, "192.0.2.7");
    const before = asked();
    const ticket = "0".repeat(64);
    expect((await from(client, "192.0.2.7", null, `/v1/download?ticket=${ticket}`)).status).toBe(429);
    expect(asked()).toBe(before);
    expect((await from(client, "192.0.2.8", null, `/v1/download?ticket=${ticket}`)).status).toBe(401);
  });

  it("do not include a request without a key", async () => {
    const client = createClient();
    for (let sent = 0; sent < 60; sent++) expect((await from(client, "192.0.2.9", null)).status).toBe(401);
  });
});

describe("right keys", () => {
  it("pass where a page sends many requests at once with one that is new here", async () => {
    const ada = await createClient().addUser("user_page");
    const key = String((await ada.send("POST", "/v1/api-keys", {})).body.key);
    const client = createClient();
    const answers = await Promise.all(Array.from({ length: 100 }, () => from(client, "192.0.2.12", key)));
    expect(answers.map(({ status }) => status).filter((status) => status !== 200)).toEqual([]);
  });

  it("do not count while D1 fails", async () => {
    vi.spyOn(console, "error").mockImplementation(() => {});
    const ada = await createClient().addUser("user_outage");
    const key = String((await ada.send("POST", "/v1/api-keys", {})).body.key);
    const broken = () => {
      throw new Error("D1 is away");
    };
    const client = createClient({ DB: { prepare: broken, batch: broken } as unknown as D1Database });
    for (let sent = 0; sent < 60; sent++) expect((await from(client, "192.0.2.11", key)).status).toBe(500);
  });

  it("use up nothing, however many arrive from one address for the first time", async () => {
    const admin = createClient();
    const ada = await admin.addUser("user_crowd");
    for (let made = 0; made < 60; made++) {
      const key = String((await ada.send("POST", "/v1/api-keys", {})).body.key);
      expect((await from(admin, "192.0.2.10", key)).status).toBe(200);
    }
  });
});
