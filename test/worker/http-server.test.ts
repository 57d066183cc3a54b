// What the operator learns, and nobody else.
import { env } from "cloudflare:test";
import { beforeEach, describe, expect, it } from "vitest";
import { sealSecret } from "../../src/secrets/sealed.ts";
import { putSecret } from "../../src/store/secrets.ts";
import { ADMIN_KEY, createClient } from "./http-client.ts";

const PATH = "/v1/server";
const LONG = "a canary key with more than thirty-two characters";
const OLD = "an old canary key with more than thirty-two characters";

beforeEach(() => env.DB.prepare("DELETE FROM secrets").run());

async function store(key: string, name: string): Promise<void> {
  const sealed = await sealSecret([key], { user_id: "u", kind: "git", name }, "canary", "2026-11-27T08:00:00.000Z");
  if (!sealed.ok) throw new Error(sealed.error.detail);
  await putSecret(env.DB, sealed.value);
}

describe("what is wrong with the server's keys", () => {
  it("is for the admin key alone", async () => {
    const admin = createClient({ ENCRYPTION_KEY: "short" });
    const ada = await admin.addUser("user_curious");
    expect(await ada.send("GET", PATH)).toMatchObject({ status: 403, body: { code: "forbidden" } });
    expect((await admin.as(null).send("GET", PATH)).status).toBe(401);
    expect((await admin.as(null).send("GET", "/healthz")).text).not.toMatch(/short|fewer|ENCRYPTION_KEY/);
  });

  it("names short keys, and quotes nothing of them", async () => {
    const answer = await createClient({ ENCRYPTION_KEY: `short-canary,${LONG}` }).send("GET", PATH);
    expect(answer.body.warnings).toEqual([
      expect.stringMatching(/^ADMIN_API_KEY has fewer than 32 characters/),
      expect.stringMatching(/^ENCRYPTION_KEY has fewer than 32 characters/),
      expect.stringMatching(/^ADMIN_API_KEY still acts for user_first/),
    ]);
    expect(answer.text).not.toMatch(new RegExp(`canary|${ADMIN_KEY}`));
    const only = createClient({ ENCRYPTION_KEY: LONG, ADMIN_KEY_ONLY_ADMIN: "1" });
    expect((await only.send("GET", PATH)).body.warnings).toEqual([expect.stringMatching(/^ADMIN_API_KEY has fewer/)]);
  });

  it("says how far a change of ENCRYPTION_KEY is, and which secrets are lost", async () => {
    await store(LONG, "new.example");
    await store(OLD, "old.example");
    await store("gone", "lost.example");
    const answer = await createClient({ ENCRYPTION_KEY: `${LONG},${OLD}` }).send("GET", PATH);
    expect(answer).toMatchObject({
      status: 200,
      body: {
        encryption: {
          keys: [
            { is_first: true, secrets: 1 },
            { is_first: false, secrets: 1 },
          ],
          waiting: 1,
          unreadable: 1,
          first_unreadable: [{ user_id: "u", kind: "git", name: "lost.example" }],
          former_keys_may_go: false,
        },
      },
    });
    expect(answer.text).not.toContain("canary");
  });

  it("has no encryption without a key for it", async () => {
    expect((await createClient().send("GET", PATH)).body).toMatchObject({
      encryption: null,
      stand_ins: expect.any(Array),
    });
  });
});
