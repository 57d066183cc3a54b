// A deploy that is ended at any step, by a refusal or by a kill, with the real wrangler: it says what to do, and the
// next one continues. One account is ended everywhere, one place after another, since a whole deploy takes ten seconds
// of CPU.
import { readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { makeAccount } from "../../dev/cloudflare/account.ts";
import type { Fault } from "../../dev/cloudflare/server.ts";
import { someSecrets } from "../setup/deploying.ts";
import { root } from "../setup/started-server.ts";
import { type DeployAccount, expectWhole, startAccount } from "./deploy-account.ts";

let opened: DeployAccount;

const patience = { timeout: 900_000 };

beforeEach(async () => {
  opened = await startAccount();
});
afterEach(() => opened.close());

/** Not one of those that wrangler tries again. */
const refuse = (on: Fault["on"], more: Partial<Fault> = {}): Fault => ({
  ...{ on, times: 1, status: 400, code: 10_001, message: "refused on purpose" },
  ...more,
});

async function expectRefused(step: string, fault: Fault, remedy = /continues from here/): Promise<void> {
  const { faults } = opened.deploying.cloudflare;
  faults.splice(0, faults.length, fault);
  const run = await opened.deploy();
  const what = `${step}, ${fault.on}: ${run.text}`;
  expect(fault.times, what).toBe(0);
  expect(run.code, what).toBe(1);
  expect(run.text, what).toContain(`✗ ${step}: `);
  expect(run.text, what).toMatch(remedy);
  expect(run.text, what).not.toContain("✓ health");
  for (const secret of Object.values(someSecrets)) expect(run.text).not.toContain(secret);
}

/** At the request of this number among those like it. */
async function expectKilled(line: RegExp, number = 1): Promise<void> {
  let left = number;
  opened.onRequest = (given) => {
    if (!line.test(given)) return;
    left -= 1;
    if (left === 0) opened.deploying.kill();
  };
  const run = await opened.deploy();
  opened.onRequest = () => {};
  expect(run.code, `${line}: ${run.text}`).toBe(null);
}

const script = "/workers/scripts/taskloom";

describe("a deploy that is ended, by a refusal or by a kill,", () => {
  it("before the upload names the step and says what to do, and continues at the next run", patience, async () => {
    const list = "GET /d1/database";
    const denied = refuse(list, { status: 403, code: 10_000, message: "Authentication error" });
    await expectRefused("database", denied, /token/);
    await expectRefused("database", refuse(list, { status: 429, headers: { "retry-after": "1" } }), /Wait a minute/);
    await expectRefused("database", refuse(list, { raw: "<title>Sign in</title>", status: 200 }), /Wait a minute/);
    const full = refuse("POST /d1/database", { code: 7406, message: "Too many" });
    await expectRefused("database", full, /Delete a database/);
    await expectKilled(/^POST \/d1\/database$/);
    await expectRefused("secrets", refuse(`GET ${script}/secrets`));
    await expectRefused("tables", refuse(/^POST \/d1\/database\/[^/]+\/query$/));
    await expectKilled(/\/query$/, 4);
    const homeless = refuse("GET /workers/subdomain", { status: 404, code: 10_007, message: "none" });
    await expectRefused("worker", homeless, /Register one/);
    const [{ sql } = { sql: null }] = opened.account.databases;
    const applied = sql
      ?.prepare("SELECT name FROM d1_migrations ORDER BY name")
      .all()
      .map(({ name }) => name);
    const all = (await readdir(join(root, "migrations"))).filter((name) => name.endsWith(".sql"));
    expect(applied).toEqual(all.sort());
  });

  it("within the upload or after it continues, too, until all is there", patience, async () => {
    const { account, deploy, deploying, server } = opened;
    await expectKilled(/^POST \/queues$/, 2);
    await expectRefused("worker", refuse(`POST ${script}/assets-upload-session`));
    await expectKilled(/^PUT \/workers\/scripts\/taskloom$/);
    await expectRefused("worker", refuse(`POST ${script}/subdomain`));
    await expectRefused("worker", refuse(/^POST \/queues\/[^/]+\/consumers$/));
    await expectKilled(/\/schedules$/);

    server.answer(503, { status: "failing", checks: [{ name: "model", ok: false, message: "refuses the key" }] });
    const sick = await deploy();
    expect(sick.text).toContain("✗ health: ");
    expect(sick.text).toContain("model: refuses the key");
    server.answer(200, { status: "ok" });
    const whole = await deploy();
    expect(whole).toMatchObject({ code: 0 });
    expect(whole.text).toContain("already runs this version");
    expectWhole(account);
    expect(server.asked.at(-1)?.key).toContain("Bearer ");
    await expect(readFile(join(deploying.folder, "production/sending.json"))).rejects.toThrow("ENOENT");
  });

  it(
    "since it is signed in nowhere, with a wrong token or in two accounts, says so and makes nothing",
    patience,
    async () => {
      const { account, deploy, deploying, server } = opened;
      const nobody = await deploying.deploy(["--url", server.url], { CLOUDFLARE_API_TOKEN: "" });
      expect(nobody.text).toMatch(/✗ database: [\s\S]*Sign in with `npx wrangler login`/);
      const wrong = await deploying.deploy(["--url", server.url], { CLOUDFLARE_API_TOKEN: "a-token-of-nobody" });
      expect(wrong.text).toMatch(/✗ database: [\s\S]*The token is wrong, has expired or lacks a permission/);
      expect(wrong.text).not.toMatch(/^\s+at |error handler also failed/m);
      deploying.cloudflare.accounts.push(makeAccount({ name: "Another" }));
      expect((await deploy()).text).toMatch(/More than one account[\s\S]*account_id = /);
      expect([account.databases, account.queues, [...account.scripts]]).toEqual([[], [], []]);
    },
  );
});
