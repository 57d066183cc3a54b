import { chmod, mkdir, mkdtemp, readFile, rename, rm, stat, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { readSetupArguments } from "../deploy/arguments.ts";
import { showError } from "../deploy/failure.ts";
import { lockPlace } from "../deploy/lock.ts";
import { openPlace } from "../deploy/place.ts";
import { openReport } from "../deploy/report.ts";
import { hashKey } from "../deploy/secrets.ts";
import type { Check } from "./checks.ts";
import { askForMissing } from "./questions.ts";
import { setUp } from "./setup.ts";

let root: string;
let said: string[];

beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), "taskloom-setup-"));
  said = [];
});
afterEach(() => rm(root, { recursive: true, force: true }));

const keys = { OPENAI_API_KEY: "sk-of-the-test", DAYTONA_API_KEY: "dtn-of-the-test" };

async function run(args: string[], environment: Record<string, string> = keys): Promise<string> {
  const report = openReport((line) => said.push(line));
  try {
    await setUp(root, readSetupArguments(["--no-check", ...args]), { report, environment, terminal: null });
  } catch (error) {
    said.push(showError(error));
  }
  return said.splice(0).join("\n");
}

async function read(name = "secrets.json", environment = "production"): Promise<Record<string, string>> {
  return JSON.parse(await readFile(join(root, ".deploy", environment, name), "utf8"));
}

describe("setup", () => {
  it("keeps what it is given, makes what it is not, and a second run changes nothing", async () => {
    const first = await run([]);
    const secrets = await read();
    expect(secrets).toMatchObject(keys);
    const made = await read("made.json");
    for (const name of ["ADMIN_API_KEY", "ENCRYPTION_KEY"]) {
      expect(secrets[name]?.length).toBeGreaterThanOrEqual(43);
      expect(made[name]).toBe(hashKey(secrets[name] ?? ""));
    }
    for (const value of Object.values(secrets)) expect(first).not.toContain(value);
    expect(first).toContain("npm run deploy");
    await run([], {});
    expect(await read()).toEqual(secrets);
  });

  it("sends nobody to wrangler's sign-in who has a token of the account in the environment", async () => {
    expect(await run([])).toMatch(/next: npx wrangler login, then npm run deploy$/);
    const signedIn: Record<string, string>[] = [
      { CLOUDFLARE_API_TOKEN: "token" },
      { CF_API_TOKEN: "token" },
      { CLOUDFLARE_API_KEY: "key", CLOUDFLARE_EMAIL: "ada@example.com" },
    ];
    for (const more of signedIn) expect(await run([], { ...keys, ...more })).toMatch(/next: npm run deploy$/);
    expect(await run([], { ...keys, CLOUDFLARE_API_TOKEN: "" })).toContain("npx wrangler login");
    expect(await run([], { ...keys, CLOUDFLARE_API_KEY: "key" })).toContain("npx wrangler login");
  });

  it("takes flags over the environment, and that over what is kept; empty is away", async () => {
    await writeFile(join(root, "key"), "sk-of-a-file\n");
    await run(["--set", "OPENAI_MODEL=small", "--set-file", `OPENAI_API_KEY=${join(root, "key")}`], {
      ...{ ...keys, OPENAI_MODEL: "large", MAX_STEPS: "5", UNKNOWN: "x" },
    });
    expect(await read()).toMatchObject({ OPENAI_MODEL: "small", OPENAI_API_KEY: "sk-of-a-file", MAX_STEPS: "5" });
    await run(["--unset", "OPENAI_MODEL"], { MAX_STEPS: "" });
    const { ADMIN_API_KEY: _, ENCRYPTION_KEY: __, ...left } = await read();
    expect(left).toEqual({ ...keys, OPENAI_API_KEY: "sk-of-a-file" });
  });

  it("writes nothing where something is missing or wrong, and quotes no value", async () => {
    expect(await run([], {})).toContain("there is no OPENAI_API_KEY and no DAYTONA_API_KEY");
    expect(await run(["--set", "NO_SUCH=sk-hidden"])).toMatch(/no setting NO_SUCH/);
    expect(await run([], { ...keys, MODEL_PRICES: "sk-hidden" })).toMatch(/MODEL_PRICES/);
    expect(await run(["--set-file", "OPENAI_API_KEY=/nowhere"])).toContain("can't be read");
    const long = JSON.stringify({ a: { base_url: "https://a.example/v1", api_key: "k".repeat(6_000) } });
    expect(await run([], { ...keys, MODEL_SERVERS: long })).toMatch(/MODEL_SERVERS/);
    await expect(read()).rejects.toThrow("ENOENT");
    expect(said.join()).not.toContain("sk-hidden");
  });

  it("takes a place for the threads, and a key without what a copy has around it", async () => {
    await run(["--set", "JURISDICTION=eu"], { ...keys, OPENAI_API_KEY: "\uFEFF sk-copied\r\n" });
    expect(await read()).toMatchObject({ JURISDICTION: "eu", OPENAI_API_KEY: "sk-copied" });
    expect(await run(["--set", "JURISDICTION=mars"])).toContain("JURISDICTION must be one of");
    for (const DAYTONA_API_KEY of ["dtn-one\ndtn-two", "schlüssel"])
      expect(await run([], { DAYTONA_API_KEY })).toMatch(/✗ settings: DAYTONA_API_KEY has a line break/);
    expect(await read()).toMatchObject({ JURISDICTION: "eu", DAYTONA_API_KEY: keys.DAYTONA_API_KEY });
  });

  it("reads a file as editors leave it, names what is no setting, and closes it to others", async () => {
    await run([]);
    const path = join(root, ".deploy/production/secrets.json");
    await writeFile(path, `\uFEFF${JSON.stringify({ ...(await read()), OPENAI_KEY: "sk-slip" })}\r\n`);
    await chmod(path, 0o644);
    const text = await run([]);
    expect(text).toContain("OPENAI_KEY is no setting");
    expect(text).toContain("others could read .deploy/production/secrets.json");
    expect(text).not.toContain("sk-slip");
    expect((await stat(path)).mode & 0o777).toBe(0o600);
    expect(await run([])).not.toContain("others could read");
  });

  it("puts no file in the place of a link, and says in words what it can't write", async () => {
    await run([]);
    const path = join(root, ".deploy/production/secrets.json");
    const elsewhere = join(root, "elsewhere.json");
    await rename(path, elsewhere);
    await symlink(elsewhere, path);
    const before = await readFile(elsewhere, "utf8");
    expect(await run([])).toContain("for you alone");
    expect(await run(["--set", "MAX_STEPS=5"])).toContain("is a link");
    expect(await readFile(elsewhere, "utf8")).toBe(before);
    await rm(path);
    await mkdir(path);
    expect(await run([])).toMatch(/^ {2}\S+secrets\.json can't be used \(EISDIR\)/m);
  });

  it("works alone: beside another setup or a deploy it changes nothing", async () => {
    await run([]);
    const before = await read();
    const unlock = await lockPlace(openPlace(root, "production", ".deploy"));
    expect(await run(["--set", "MAX_STEPS=5"])).toContain("another setup or deploy of production is at work");
    expect(await read()).toEqual(before);
    expect(await run(["--env", "staging"])).toContain("for you alone");
    unlock();
    expect(await run(["--set", "MAX_STEPS=5"])).toContain("for you alone");
  });

  it("leaves the operator's own lines alone", async () => {
    await run([]);
    const own = join(root, ".deploy/production/own.toml");
    expect(await readFile(own, "utf8")).toContain("# routes");
    await writeFile(own, "mine");
    await run([]);
    expect(await readFile(own, "utf8")).toBe("mine");
  });

  it("warns where two deployments would share sandboxes", async () => {
    await run([]);
    expect(await run(["--env", "staging"])).toContain("a Daytona organization of its own");
    expect(await run(["--env", "other"], { ...keys, DAYTONA_API_KEY: "dtn-other" })).not.toContain("organization");
  });
});

describe("the questions of setup", () => {
  /** Types the lines one after another. `refused`: keys that their server refuses. */
  async function type(settings: Record<string, string>, lines: string[], refused: string[] = []) {
    const prompts: string[] = [];
    const terminal = {
      say: (line: string) => void prompts.push(line),
      ask: async (prompt: string, { isSecret = false } = {}) => {
        prompts.push(`${prompt.trim()}${isSecret ? " (hidden)" : ""}`);
        return lines.shift() ?? null;
      },
    };
    const check = async (given: Record<string, string>): Promise<Check[]> =>
      Object.entries(given).map(([setting, value]) => ({
        ...{ name: setting, setting, text: "it refuses the key" },
        outcome: refused.includes(value) ? "refused" : "accepted",
      }));
    await askForMissing(settings, terminal, true, check);
    return prompts;
  }

  it("are asked for what is missing, hidden where it is a secret, and again after a refusal", async () => {
    const settings: Record<string, string> = {};
    const prompts = await type(settings, ["", "sk-wrong", "", "", "sk-right", "small", "", "dtn", ""], ["sk-wrong"]);
    expect(settings).toEqual({ OPENAI_API_KEY: "sk-right", OPENAI_MODEL: "small", DAYTONA_API_KEY: "dtn" });
    expect(prompts.filter((line) => line.startsWith("Its key"))).toEqual(Array(3).fill("Its key: (hidden)"));
    expect(prompts).toContain("  ✗ it refuses the key");
    expect(prompts.join()).not.toContain("sk-wrong");
  });

  it("leave out what is known", async () => {
    const settings = { MODEL_SERVERS: "{}", DAYTONA_API_KEY: "dtn", SEARXNG_URL: "https://search.example" };
    expect(await type(settings, [])).toEqual([]);
  });

  it("end with the input", async () => {
    await expect(type({}, [""])).rejects.toThrow("the input ended");
  });
});
