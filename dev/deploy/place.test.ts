import { execFileSync } from "node:child_process";
import { mkdtemp, readFile, rm, stat, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { readDeployArguments, readSetupArguments } from "./arguments.ts";
import { readDeployed, writeDeployed } from "./deployed.ts";
import { Failure, showError } from "./failure.ts";
import { openPlace, preparePlace, readOptional } from "./place.ts";
import { checkSizes, chooseSecrets, hashKey, readSecrets, writeSecrets } from "./secrets.ts";
import { readUpload } from "./steps.ts";

let root: string;

beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), "taskloom-place-"));
});
afterEach(() => rm(root, { recursive: true, force: true }));

describe("the folder of an environment", () => {
  it("is refused in a repository that does not ignore it", async () => {
    execFileSync("git", ["init", "--quiet", root]);
    const place = openPlace(root, "production", ".deploy");
    await expect(preparePlace(place)).rejects.toThrow("git does not ignore");
    await writeFile(join(root, ".gitignore"), ".deploy/\n");
    await preparePlace(place);
    await writeSecrets(place, { settings: { ADMIN_API_KEY: "a" }, made: {} });
    expect((await stat(place.secrets)).mode & 0o777).toBe(0o600);
    expect((await stat(place.folder)).mode & 0o077).toBe(0);
    expect(execFileSync("git", ["-C", root, "status", "--porcelain"]).toString()).toBe("?? .gitignore\n");
  });

  it("may be outside of any repository", async () => {
    await preparePlace(openPlace(root, "production", join(root, "elsewhere")));
  });

  it("has a name that is a part of the Worker's", () => {
    for (const name of ["", "a-", "Staging", "a b", "../x", "9", "a".repeat(31)]) {
      expect(() => openPlace(root, name, ".deploy")).toThrow(Failure);
    }
  });
});

describe("secrets", () => {
  it("are read as they were written, and refused without quoting them where they are no texts", async () => {
    const place = openPlace(root, "production", ".");
    expect(await readSecrets(place)).toBe(null);
    await preparePlace(place);
    const secrets = { settings: { OPENAI_API_KEY: "sk-$HOME" }, made: { X: "hash" } };
    await writeSecrets(place, secrets);
    expect(await readSecrets(place)).toEqual(secrets);
    for (const text of ['{"A": {"secret": 1}}', '["secret"]', "secret"]) {
      await writeFile(place.secrets, text);
      const error = await readSecrets(place).catch(showError);
      expect(error).toContain(place.secrets);
      expect(error).not.toContain('"secret"');
    }
  });

  it("that setup made are not sent over those of a Worker, unless somebody changed them", () => {
    const settings = { ENCRYPTION_KEY: "made", ADMIN_API_KEY: "mine", OPENAI_API_KEY: "sk", TAVILY_API_KEY: "" };
    const made = { ENCRYPTION_KEY: hashKey("made"), ADMIN_API_KEY: hashKey("another") };
    const remote = ["ENCRYPTION_KEY", "ADMIN_API_KEY", "OPENAI_API_KEY"];
    expect(Object.keys(chooseSecrets({ settings, made }, null))).toEqual([
      "ENCRYPTION_KEY",
      "ADMIN_API_KEY",
      "OPENAI_API_KEY",
    ]);
    expect(Object.keys(chooseSecrets({ settings, made }, remote))).toEqual(["ADMIN_API_KEY", "OPENAI_API_KEY"]);
    const rotated = { ...settings, ENCRYPTION_KEY: "new,made" };
    expect(chooseSecrets({ settings: rotated, made }, remote).ENCRYPTION_KEY).toBe("new,made");
  });

  it("fit into what Cloudflare keeps", () => {
    checkSizes({ MODEL_SERVERS: "x".repeat(5 * 1024) });
    expect(() => checkSizes({ MODEL_SERVERS: "x".repeat(5 * 1024 + 1) })).toThrow("MODEL_SERVERS has more than");
  });
});

describe("what the last deploy made", () => {
  it("is nothing where the file is broken", async () => {
    const place = { deployed: join(root, "deployed.json") };
    expect(await readDeployed(place)).toBe(null);
    const made = { name: "taskloom", url: "https://a.example", version_id: "v", fingerprint: "f" };
    await writeDeployed(place, made);
    expect(await readDeployed(place)).toEqual(made);
    await writeFile(place.deployed, (await readFile(place.deployed, "utf8")).slice(0, 20));
    expect(await readDeployed(place)).toBe(null);
    expect(await readOptional(join(root, "none"))).toBe(null);
  });

  it("is read from wrangler's lines: a custom domain before workers.dev", () => {
    const line = (targets: string[]) => JSON.stringify({ type: "deploy", version_id: "v", targets });
    const dev = "https://taskloom.acme.workers.dev";
    const others = ["schedule: * * * * *", "Producer for taskloom-jobs", "*.p.example/* (zone name: p.example)"];
    expect(readUpload(`{"type":"wrangler-session"}\n${line([...others, dev])}\n`)).toEqual({
      url: dev,
      version_id: "v",
    });
    const domain = "agent.example.com (custom domain - zone name: example.com)";
    expect(readUpload(line([dev, domain]))?.url).toBe("https://agent.example.com");
    expect(readUpload(line(others))?.url).toBe(null);
    expect(readUpload('{"type":"wrangler-session"}')).toBe(null);
  });
});

describe("flags", () => {
  it("of deploy are read, and refused with the usage", () => {
    expect(readDeployArguments(["--rollback", "abc", "--env", "staging"])).toMatchObject({
      environment: "staging",
      rollback: { version: "abc" },
    });
    expect(() => readDeployArguments(["--location", "moon"])).toThrow("--location must be one of weur");
    expect(readDeployArguments(["--url", "https://a.example/"]).url).toBe("https://a.example");
    for (const args of [["abc"], ["--rollback", "a", "b"], ["--url", "a"], ["--nothing"]]) {
      const read = () => readDeployArguments(args);
      expect(read).toThrow(Failure);
    }
  });

  it("of setup quote no value", () => {
    const { set, setFiles } = readSetupArguments(["--set", "A=b=c", "--set-file", "K=-"]);
    expect([set, setFiles]).toEqual([[["A", "b=c"]], [["K", "-"]]]);
    try {
      readSetupArguments(["--set", "sk-secret"]);
      expect.unreachable();
    } catch (error) {
      expect(showError(error)).not.toContain("sk-secret");
    }
  });
});
