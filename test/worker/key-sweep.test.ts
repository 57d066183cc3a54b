// What the clock does for the keys of the settings.
import { env } from "cloudflare:test";
import { afterEach, beforeEach, expect, it, vi } from "vitest";
import type { Env } from "../../src/config.ts";
import { sealSecret } from "../../src/secrets/sealed.ts";
import { putSecret, readSecret } from "../../src/store/secrets.ts";
import { createKeySweep } from "../../src/sweeps.ts";

const NOW = Date.parse("2026-11-27T08:00:00.000Z");
const MINUTE = 60_000;
const OLD = "an old key with more than thirty-two characters";
const NEW = "a new key with more than thirty-two characters";
const name = { user_id: "user_sweep", kind: "git", name: "git.example" } as const;

let logged: Record<string, unknown>[] = [];

beforeEach(() => {
  logged = [];
  vi.spyOn(console, "warn").mockImplementation((line) => void logged.push(JSON.parse(String(line))));
});

afterEach(() => vi.restoreAllMocks());

function versionOf(age_ms: number): Partial<Env> {
  return { VERSION: { id: "v", tag: "", timestamp: new Date(NOW - age_ms).toISOString() } };
}

it("leaves secrets to objects from before a deploy until these have ended", async () => {
  const sealed = await sealSecret([OLD], name, "secret", "2026-11-27T08:00:00.000Z");
  if (!sealed.ok) throw new Error(sealed.error.detail);
  await putSecret(env.DB, sealed.value);
  const sweep = createKeySweep();
  const keys = { ...env, ADMIN_API_KEY: NEW, ENCRYPTION_KEY: `${NEW},${OLD}` };
  await sweep({ ...keys, ...versionOf(39 * MINUTE) }, NOW);
  expect((await readSecret(env.DB, name))?.key_id).toBe(sealed.value.key_id);
  await sweep({ ...keys, ...versionOf(40 * MINUTE) }, NOW);
  expect((await readSecret(env.DB, name))?.key_id).not.toBe(sealed.value.key_id);
  expect(logged.map(({ event }) => event)).toEqual(["secrets_resealed", "encryption_keys_may_go"]);
});

it("warns once of short keys, and quotes nothing of them", async () => {
  const sweep = createKeySweep();
  const short = { ...env, ADMIN_API_KEY: "admin-canary", ENCRYPTION_KEY: "sealing-canary", SLACK_SIGNING_SECRET: "s" };
  await sweep(short, NOW);
  await sweep(short, NOW + MINUTE);
  expect(logged.map(({ event, detail }) => [event, String(detail).split(" ")[0]])).toEqual([
    ["setting_warning", "ADMIN_API_KEY"],
    ["setting_warning", "ENCRYPTION_KEY"],
    ["setting_warning", "SLACK_APP_ID"],
  ]);
  expect(JSON.stringify(logged)).not.toContain("canary");
});

it("logs that D1 fails, and continues a minute later", async () => {
  const errors = vi.spyOn(console, "error").mockImplementation(() => {});
  const broken = () => {
    throw new Error("D1 is away");
  };
  const keys = { ...env, ADMIN_API_KEY: NEW, ENCRYPTION_KEY: `${NEW},${OLD}`, ...versionOf(40 * MINUTE) };
  const sweep = createKeySweep();
  await sweep({ ...keys, DB: { prepare: broken } as unknown as D1Database }, NOW);
  expect(errors).toHaveBeenCalledWith(expect.stringContaining('"key_sweep_failed"'));
  await sweep(keys, NOW + MINUTE);
  expect(logged.map(({ event }) => event)).toContain("encryption_keys_may_go");
});
