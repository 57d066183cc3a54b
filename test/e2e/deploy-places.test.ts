// Deployments side by side, from another clone, rolled back, and shown without being made; with the real wrangler. One
// account has all of them, since a whole deploy takes ten seconds of CPU.
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { afterEach, beforeEach, expect, it } from "vitest";
import { activeVersion } from "../../dev/cloudflare/account.ts";
import { someSecrets } from "../setup/deploying.ts";
import { type DeployAccount, expectWhole, scriptOf, startAccount } from "./deploy-account.ts";

let opened: DeployAccount;

const patience = { timeout: 900_000 };
const domain = 'routes = [{ pattern = "agent.example.com", custom_domain = true }]\n';

beforeEach(async () => {
  opened = await startAccount({ zones: [{ id: "zone", name: "example.com", records: [] }] });
});
afterEach(() => opened.close());

it("deployments of one account share nothing, continue from another clone, and are rolled back", patience, async () => {
  const { account, deploy, deploying } = opened;
  await deploying.writeOwn(domain);
  const nothing = await deploy("--rollback");
  expect(nothing.code).toBe(1);
  expect(nothing.text).toMatch(/has no Worker taskloom, so there is nothing to roll back[\s\S]*`npm run deploy` makes/);
  expect(await deploy()).toMatchObject({ code: 0 });
  expectWhole(account);
  const script = scriptOf(account, "taskloom");
  expect(script.domains).toEqual(["agent.example.com"]);
  const alone = await deploy("--rollback");
  expect(alone.code).toBe(1);
  expect(alone.text).toContain("taskloom has no earlier version");

  await expectFormerRefused();
  await expectStaging();
  await expectClone();

  const [first, second] = script.versions.map(({ id }) => id);
  expect(await deploy("--rollback", "--dry-run")).toMatchObject({ code: 0 });
  expect(activeVersion(script)?.id).toBe(second);
  const back = await deploy("--rollback");
  expect(back).toMatchObject({ code: 0 });
  expect(back.text).toContain(`runs version ${first}`);
  expect(activeVersion(script)?.id).toBe(first);
  expect(await deploy()).toMatchObject({ code: 0 });
  expect(activeVersion(script)?.number).toBe(3);
  expect((await deploy("--rollback", second ?? "")).code).toBe(0);
  expect(activeVersion(script)?.id).toBe(second);

  await deploying.writeOwn('name = "agents"\n');
  const refused = await deploy();
  expect(refused.text).toMatch(/was deployed as taskloom[\s\S]*--renamed/);
  expect(account.scripts.has("agents")).toBe(false);
  expect(await deploy("--renamed")).toMatchObject({ code: 0 });
  expectWhole(account, "agents");
});

async function expectFormerRefused(): Promise<void> {
  const { account, deploy } = opened;
  const [database] = account.databases;
  const changes = database?.changes.length;
  database?.sql.exec("INSERT INTO d1_migrations (name) VALUES ('0017_receipts.sql')");
  const refused = await deploy("--force");
  expect(refused.code).toBe(1);
  expect(refused.text).toMatch(/✗ tables: the database taskloom is of a version before 0\.2\.0[\s\S]*--renamed`/);
  expect([database?.changes.length, scriptOf(account, "taskloom").versions.length]).toEqual([changes, 1]);
  database?.sql.exec("DELETE FROM d1_migrations WHERE name = '0017_receipts.sql'");
}

async function expectStaging(): Promise<void> {
  const { account, deploy, deploying } = opened;
  await deploying.writeSecrets(someSecrets, "staging");
  await deploying.writeOwn('[vars]\nOPENAI_MODEL = "small"\n', "staging");
  const staging = await deploy("--env", "staging");
  expect(staging).toMatchObject({ code: 0 });
  expect(staging.text).toContain("npm run deploy -- --env staging");
  expectWhole(account);
  expectWhole(account, "taskloom-staging");
  const boundTo = (name: string) => activeVersion(scriptOf(account, name))?.bindings ?? [];
  const limits = (name: string) =>
    boundTo(name)
      .filter(({ type }) => type === "ratelimit")
      .map(({ namespace_id }) => namespace_id);
  expect(limits("taskloom")).toEqual(["6001", "6002", "6004"]);
  expect(limits("taskloom-staging").some((id) => limits("taskloom").includes(id))).toBe(false);
  expect(boundTo("taskloom-staging").find(({ name }) => name === "OPENAI_MODEL")).toMatchObject({ text: "small" });
}

/** As somebody makes a deployment with wrangler: secrets set one by one, no producer for dead letters. */
async function expectClone(): Promise<void> {
  const { account, deploy, deploying } = opened;
  const script = scriptOf(account, "taskloom");
  const [version] = script.versions;
  if (version === undefined) throw new Error("there is no version");
  version.bindings = version.bindings.filter(({ name }) => name !== "DEAD_JOBS" && name !== "DEAD_QUEUE");
  version.bindings.push({ name: "PREVIEW_DOMAIN", type: "secret_text", text: "example-previews.com" });
  const databases = account.databases.map(({ uuid }) => uuid);
  // A new clone: nothing is known of it here, and setup makes keys that nobody has chosen.
  const keys = { OPENAI_API_KEY: "sk-new", DAYTONA_API_KEY: "d" };
  expect(await deploying.setUp(["--no-check", "--env", "clone"], keys)).toMatchObject({ code: 0 });
  await deploying.writeOwn(`name = "taskloom"\n${domain}`, "clone");
  const clone = await deploy("--env", "clone");
  expect(clone).toMatchObject({ code: 0 });
  expect(clone.text).toContain("the Worker has PREVIEW_DOMAIN, which");
  expect(account.databases.map(({ uuid }) => uuid)).toEqual(databases);
  const active = activeVersion(script);
  const bound = new Map(active?.bindings.map(({ name, text, queue_name }) => [name, text ?? queue_name]));
  expect(bound.get("ENCRYPTION_KEY")).toBe(someSecrets.ENCRYPTION_KEY);
  expect(bound.get("ADMIN_API_KEY")).toBe(someSecrets.ADMIN_API_KEY);
  expect(bound.get("OPENAI_API_KEY")).toBe("sk-new");
  expect(bound.get("DEAD_JOBS")).toBe("taskloom-dead");
  // Files come through the Worker, since a preview's host must answer for its program alone.
  expect(bound.get("PREVIEW_DOMAIN")).toBe("example-previews.com");
  expect(active?.assets?.config.run_worker_first).toBe(true);
}

it("npm run deploy -- --dry-run shows everything and changes nothing", patience, async () => {
  const { deploy, deploying } = opened;
  const run = await deploy("--dry-run");
  expect(run).toMatchObject({ code: 0 });
  for (const line of ["would make taskloom", "would apply ", "would deploy taskloom with the secrets ADMIN_API_KEY"]) {
    expect(run.text).toContain(line);
  }
  expect(run.text).toContain('"queue": "taskloom-dead"');
  for (const secret of Object.values(someSecrets)) expect(run.text).not.toContain(secret);
  expect(deploying.cloudflare.log.filter((line) => !line.startsWith("GET "))).toEqual([]);
  await expect(readFile(join(deploying.folder, "production/wrangler.json"))).rejects.toThrow("ENOENT");
  const unsigned = await deploying.deploy(["--dry-run"], { CLOUDFLARE_API_TOKEN: "" });
  expect(unsigned).toMatchObject({ code: 0 });
  expect(unsigned.text).toContain("would deploy taskloom");
});
