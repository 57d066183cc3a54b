// The deep look of `/healthz`, over real D1 and the real queue: who may ask, and what they learn.
import { env } from "cloudflare:test";
import { describe, expect, it } from "vitest";
import { VERSION } from "../../src/http/version.ts";
import { NEWEST_MIGRATION } from "../../src/store/monitor/schema-version.ts";
import { createClient } from "./http-client.ts";

const SECRET = "sk-canary-0123456789";
const DEEP = "/healthz?deep=1";
/** Nobody listens there. */
const nowhere = "http://127.0.0.1:9";
const settings = {
  ...{ OPENAI_API_KEY: SECRET, OPENAI_BASE_URL: `${nowhere}/v1`, ENCRYPTION_KEY: SECRET },
  ...{ DAYTONA_API_KEY: SECRET, DAYTONA_API_URL: `${nowhere}/api` },
};

describe("/healthz?deep=1", () => {
  it("says what fails, each with its time, and answers 503", async () => {
    const { status, body, text } = await createClient(settings).send("GET", DEEP);
    expect(status).toBe(503);
    expect(body).toMatchObject({ status: "failing", version: expect.any(String), checked_at: expect.any(String) });
    const checks = body.checks as { name: string; ok: boolean; ms: number; problem?: string; details?: unknown }[];
    expect(checks.map(({ name, ok, problem }) => [name, ok, problem])).toEqual([
      ["settings", true, undefined],
      ["database", true, undefined],
      ["schema", true, undefined],
      ["queue", true, undefined],
      ["secrets", true, undefined],
      ["model:default", false, "The model's server can't be reached."],
      ["sandbox", false, expect.stringMatching(/can't be reached/)],
    ]);
    expect(checks.every(({ ms }) => Number.isInteger(ms))).toBe(true);
    expect(checks[2]?.details).toEqual({ applied: NEWEST_MIGRATION, expected: NEWEST_MIGRATION });
    expect(text).not.toMatch(/canary|127\.0\.0\.1/);
  });

  it("looks for a monitor that writes `true`, too, instead of a plain answer that is always well", async () => {
    expect((await createClient(settings).send("GET", "/healthz?deep=true")).status).toBe(503);
  });

  it("answers 503 with the admin key although D1 is away", async () => {
    const fails = () => {
      throw new Error("D1 is away");
    };
    const client = createClient({ ...settings, DB: { prepare: fails, batch: fails } as unknown as D1Database });
    const { status, body } = await client.send("GET", DEEP);
    expect(status).toBe(503);
    expect(body.checks).toContainEqual(expect.objectContaining({ name: "database", ok: false }));
  });

  it("is the plain answer without a key", async () => {
    const nobody = createClient(settings).as(null);
    expect(await nobody.send("GET", DEEP)).toMatchObject({ status: 200, body: { status: "ok", version: VERSION } });
    expect(Object.keys((await nobody.send("GET", DEEP)).body)).toEqual(
      Object.keys((await nobody.send("GET", "/healthz")).body),
    );
  });

  it("refuses a wrong key, and one that does not administer", async () => {
    const client = createClient(settings);
    expect((await client.as("wrong").send("GET", DEEP)).status).toBe(401);
    const ada = await client.addUser("user_deep");
    expect(await ada.send("GET", DEEP)).toMatchObject({ status: 403, body: { code: "forbidden" } });
    expect((await ada.send("GET", "/healthz")).status).toBe(200);
  });

  it("names tables that are missing", async () => {
    await env.DB.prepare("DELETE FROM d1_migrations WHERE name = ?").bind(NEWEST_MIGRATION).run();
    const { body } = await createClient(settings).send("GET", DEEP);
    expect(body.checks).toContainEqual(expect.objectContaining({ name: "schema", ok: false }));
  });
});
