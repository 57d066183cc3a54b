// Deployments side by side, from another clone, rolled back, and shown without being made; with the real wrangler.
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { type Account, activeVersion, makeAccount } from "../../dev/cloudflare/account.ts";
import { type Deploying, type HealthyServer, someSecrets, startDeploying, startHealthy } from "../setup/deploying.ts";
import { expectWhole, scriptOf } from "./deploy-whole.ts";

let deploying: Deploying;
let server: HealthyServer;
let account: Account;

const patience = { timeout: 400_000 };

beforeEach(async () => {
  const zones = [{ id: "zone", name: "example.com", records: [] }];
  deploying = await startDeploying({ accounts: [makeAccount({ zones })] });
  ({ account } = deploying.cloudflare);
  server = await startHealthy();
  await deploying.writeSecrets();
});
afterEach(async () => {
  await server.close();
  await deploying.close();
});

const deploy = (...args: string[]) => deploying.deploy(["--url", server.url, ...args]);

describe("deployments of one account", () => {
  it("share nothing: staging beside production, and a renamed one", patience, async () => {
    await deploying.writeSecrets(someSecrets, "staging");
    await deploying.writeOwn('[vars]\nOPENAI_MODEL = "small"\n', "staging");
    expect(await deploy()).toMatchObject({ code: 0 });
    const staging = await deploy("--env", "staging");
    expect(staging).toMatchObject({ code: 0 });
    expect(staging.text).toContain("npm run deploy -- --env staging");
    expectWhole(account);
    expectWhole(account, "taskloom-staging");
    const limits = (name: string) =>
      (activeVersion(scriptOf(account, name))?.bindings ?? [])
        .filter(({ type }) => type === "ratelimit")
        .map(({ namespace_id }) => namespace_id);
    expect(limits("taskloom")).toEqual(["6001", "6002", "6004"]);
    expect(limits("taskloom-staging").some((id) => limits("taskloom").includes(id))).toBe(false);
    const model = activeVersion(scriptOf(account, "taskloom-staging"))?.bindings.find(
      ({ name }) => name === "OPENAI_MODEL",
    );
    expect(model).toMatchObject({ text: "small" });

    await deploying.writeOwn('name = "agents"\n');
    const refused = await deploy();
    expect(refused.text).toMatch(/was deployed as taskloom[\s\S]*--renamed/);
    expect(account.scripts.has("agents")).toBe(false);
    expect(await deploy("--renamed")).toMatchObject({ code: 0 });
    expectWhole(account, "agents");
    expectWhole(account);
  });

  it("go on that were made by hand, with what only they have", patience, async () => {
    // As the former instructions made one: secrets set one by one, queues by name, no producer for dead letters.
    expect(await deploy()).toMatchObject({ code: 0 });
    const script = scriptOf(account, "taskloom");
    const [version] = script.versions;
    if (version === undefined) throw new Error("there is no version");
    version.bindings = version.bindings.filter(({ name }) => name !== "DEAD_JOBS" && name !== "DEAD_QUEUE");
    version.bindings.push({ name: "TAVILY_API_KEY", type: "secret_text", text: "theirs" });
    const { uuid } = account.databases[0] ?? {};
    // A new clone: nothing is known of it here, and setup makes keys that nobody has chosen.
    const setup = await deploying.setUp(["--no-check", "--env", "clone"], {
      OPENAI_API_KEY: "sk-new",
      DAYTONA_API_KEY: "d",
    });
    expect(setup).toMatchObject({ code: 0 });
    await deploying.writeOwn('name = "taskloom"\n', "clone");
    expect(await deploy("--env", "clone")).toMatchObject({ code: 0 });
    expect(account.databases.map((each) => each.uuid)).toEqual([uuid]);
    const bound = new Map(
      activeVersion(script)?.bindings.map(({ name, text, queue_name }) => [name, text ?? queue_name]),
    );
    expect(bound.get("ENCRYPTION_KEY")).toBe(someSecrets.ENCRYPTION_KEY);
    expect(bound.get("ADMIN_API_KEY")).toBe(someSecrets.ADMIN_API_KEY);
    expect(bound.get("OPENAI_API_KEY")).toBe("sk-new");
    expect(bound.get("TAVILY_API_KEY")).toBe("theirs");
    expect(bound.get("DEAD_JOBS")).toBe("taskloom-dead");
  });
});

describe("npm run deploy -- --rollback", () => {
  it("goes back to the version before, and the next deploy goes forward", patience, async () => {
    await deploying.writeOwn('routes = [{ pattern = "agent.example.com", custom_domain = true }]\n');
    expect(await deploy()).toMatchObject({ code: 0 });
    expect(scriptOf(account, "taskloom").domains).toEqual(["agent.example.com"]);
    const alone = await deploy("--rollback");
    expect(alone.code).toBe(1);
    expect(alone.text).toContain("taskloom has no earlier version");
    await deploying.writeOwn('[vars]\nOPENAI_MODEL = "large"\n');
    expect(await deploy()).toMatchObject({ code: 0 });
    const [first, second] = scriptOf(account, "taskloom").versions.map(({ id }) => id);
    expect(await deploy("--rollback", "--dry-run")).toMatchObject({ code: 0 });
    expect(activeVersion(scriptOf(account, "taskloom"))?.id).toBe(second);
    const back = await deploy("--rollback");
    expect(back).toMatchObject({ code: 0 });
    expect(back.text).toContain(`runs version ${first}`);
    expect(activeVersion(scriptOf(account, "taskloom"))?.id).toBe(first);
    const forward = await deploy();
    expect(forward).toMatchObject({ code: 0 });
    expect(activeVersion(scriptOf(account, "taskloom"))?.number).toBe(3);
    expect((await deploy("--rollback", second ?? "")).code).toBe(0);
    expect(activeVersion(scriptOf(account, "taskloom"))?.id).toBe(second);
  });
});

describe("npm run deploy -- --dry-run", () => {
  it("shows everything and changes nothing", patience, async () => {
    const run = await deploy("--dry-run");
    expect(run).toMatchObject({ code: 0 });
    for (const line of [
      "would make taskloom",
      "would apply ",
      "would deploy taskloom with the secrets ADMIN_API_KEY",
    ]) {
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
});
