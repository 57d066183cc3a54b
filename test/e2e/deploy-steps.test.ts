// A deploy that fails or is killed at any step, with the real wrangler: it says what to do, and the next one goes on.
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { type Account, makeAccount } from "../../dev/cloudflare/account.ts";
import type { Fault } from "../../dev/cloudflare/server.ts";
import { type Deploying, type HealthyServer, someSecrets, startDeploying, startHealthy } from "../setup/deploying.ts";
import { expectWhole } from "./deploy-whole.ts";

let deploying: Deploying;
let server: HealthyServer;
let account: Account;
/** Called with each request that the stand-in gets. */
let onRequest: (line: string) => void;

const patience = { timeout: 400_000 };

beforeEach(async () => {
  onRequest = () => {};
  deploying = await startDeploying({ accounts: [makeAccount()], onRequest: (line) => onRequest(line) });
  ({ account } = deploying.cloudflare);
  server = await startHealthy();
  await deploying.writeSecrets();
});
afterEach(async () => {
  await server.close();
  await deploying.close();
});

const deploy = (...args: string[]) => deploying.deploy(["--url", server.url, ...args]);

/** Not one of those that wrangler tries again. */
const refuse = (on: Fault["on"], more: Partial<Fault> = {}): Fault => ({
  ...{ on, times: 1, status: 400, code: 10_001, message: "refused on purpose" },
  ...more,
});

describe("a deploy of which a step fails", () => {
  it("names the step, says what to do, and goes on at the next run", patience, async () => {
    const script = "/workers/scripts/taskloom";
    const steps: [step: string, fault: Fault, remedy: RegExp][] = [
      ["database", refuse("GET /d1/database", { status: 403, code: 10_000, message: "Authentication error" }), /token/],
      ["database", refuse("POST /d1/database", { code: 7406, message: "Too many databases" }), /Delete a database/],
      ["tables", refuse(/^POST \/d1\/database\/[^/]+\/query$/), /goes on from here/],
      ["secrets", refuse(`GET ${script}/secrets`), /goes on from here/],
      ["worker", refuse("GET /workers/subdomain", { status: 404, code: 10_007, message: "none" }), /Register one/],
      ["worker", refuse(`POST ${script}/assets-upload-session`), /goes on from here/],
      ["worker", refuse("POST /queues"), /goes on from here/],
      ["worker", refuse(new RegExp(`^PUT ${script}$`)), /goes on from here/],
      ["worker", refuse(`POST ${script}/subdomain`), /goes on from here/],
      ["worker", refuse(/^POST \/queues\/[^/]+\/consumers$/), /goes on from here/],
      ["worker", refuse(`PUT ${script}/schedules`), /goes on from here/],
    ];
    for (const [step, fault, remedy] of steps) {
      deploying.cloudflare.faults.splice(0, deploying.cloudflare.faults.length, fault);
      const run = await deploy();
      const what = `${step}, ${fault.on}: ${run.text}`;
      expect(fault.times, what).toBe(0);
      expect(run.code, what).toBe(1);
      expect(run.text, what).toContain(`✗ ${step}: `);
      expect(run.text, what).toMatch(remedy);
      expect(run.text, what).not.toContain("✓ health");
      for (const secret of Object.values(someSecrets)) expect(run.text).not.toContain(secret);
    }
    server.answer(503, { status: "failing", checks: [{ name: "model", ok: false, message: "refuses the key" }] });
    const sick = await deploy();
    expect(sick.text).toContain("✗ health: ");
    expect(sick.text).toContain("model: refuses the key");
    server.answer(401, { code: "unauthorized" });
    const another = await deploy();
    expect(another.text).toContain("another ADMIN_API_KEY");
    server.answer(200, { status: "ok" });
    expect(await deploy()).toMatchObject({ code: 0 });
    expectWhole(account);
    expect(server.asked.at(-1)?.key).toContain("Bearer ");
  });

  it("is signed in nowhere, or in two accounts: it says so and makes nothing", patience, async () => {
    const nobody = await deploying.deploy(["--url", server.url], { CLOUDFLARE_API_TOKEN: "" });
    expect(nobody.text).toMatch(/✗ database: [\s\S]*Sign in with `npx wrangler login`/);
    deploying.cloudflare.accounts.push(makeAccount({ name: "Another" }));
    expect((await deploy()).text).toMatch(/More than one account[\s\S]*account_id = /);
    await deploying.writeOwn(`account_id = "${account.id}"\n`);
    expect((await deploy("--dry-run")).code).toBe(0);
    expect([account.databases, account.queues, [...account.scripts]]).toEqual([[], [], []]);
  });
});

describe("a deploy that is killed", () => {
  it("goes on at the next run, wherever it was", patience, async () => {
    const points: [line: RegExp, count: number][] = [
      [/^POST \/d1\/database$/, 1],
      [/\/query$/, 5],
      [/^POST \/queues$/, 2],
      [/^PUT \/workers\/scripts\/taskloom$/, 1],
      [/\/schedules$/, 1],
      [/\/consumers$/, 2],
    ];
    for (const [line, count] of points) {
      let left = count;
      onRequest = (given) => {
        if (!line.test(given)) return;
        left -= 1;
        if (left === 0) deploying.kill();
      };
      const run = await deploy();
      expect(run.code, `${line}: ${run.text}`).toBe(null);
    }
    onRequest = () => {};
    expect(await deploy()).toMatchObject({ code: 0 });
    expectWhole(account);
    await expect(readFile(join(deploying.folder, "production/sending.json"))).rejects.toThrow("ENOENT");
  });
});
