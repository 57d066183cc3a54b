import { describe, expect, it } from "vitest";
import { readDeployArguments } from "./arguments.ts";
import { Failure, showError } from "./failure.ts";
import { openPlace } from "./place.ts";
import { openReport } from "./report.ts";
import { hideSecrets } from "./secrets.ts";
import {
  checkOwner,
  checkSecrets,
  describeRefusal,
  findDatabase,
  findPending,
  makeDatabase,
  type Run,
} from "./steps.ts";
import { readTail } from "./wrangler.ts";

interface World {
  args?: string[];
  settings?: Record<string, string>;
  jurisdiction?: string | null;
  vars?: Record<string, unknown>;
  answer?: { code?: number; stdout?: string; tail?: string };
}

/** A deploy whose wrangler answers the same to everything. */
function makeRun({ args = [], settings = {}, jurisdiction = null, vars = {}, answer = {} }: World = {}) {
  const [asked, said]: [string[][], string[]] = [[], []];
  const run: Run = {
    place: openPlace("/root", "production", ".deploy"),
    options: readDeployArguments(args),
    report: openReport((line) => said.push(line)),
    wrangler: {
      run: async (given) => {
        asked.push(given);
        return { code: 0, stdout: "[]", tail: "", ...answer };
      },
      stop: () => {},
    },
    deployment: { config: {}, name: "taskloom", database: "taskloom", jurisdiction, queues: ["j", "d"], vars },
    settings,
    configPath: "/c.json",
  };
  return { run, asked, said };
}

const withDatabase = (jurisdiction: string | null) => ({
  stdout: JSON.stringify([{ name: "taskloom", jurisdiction }]),
});

describe("the database", () => {
  it("is made where objects may be, or near where they are hinted to", async () => {
    const cases: [world: World, place: string[]][] = [
      [{}, []],
      [{ args: ["--location", "oc"] }, ["--location", "oc"]],
      [{ settings: { LOCATION_HINT: "weur" } }, ["--location", "weur"]],
      [{ settings: { LOCATION_HINT: "sam" } }, []],
      [{ settings: { JURISDICTION: " EU ", LOCATION_HINT: "weur" } }, ["--jurisdiction", "eu"]],
      [{ jurisdiction: "us", settings: { JURISDICTION: "eu" } }, ["--jurisdiction", "us"]],
    ];
    for (const [world, place] of cases) {
      const { run, asked } = makeRun(world);
      await makeDatabase(run);
      expect(asked).toEqual([["d1", "create", "taskloom", ...place, "--config", "/c.json"]]);
    }
  });

  it("is not made where D1 is not: own.toml says where then", async () => {
    const settings = { JURISDICTION: "fedramp-high" };
    await expect(makeDatabase(makeRun({ settings }).run)).rejects.toThrow("D1 has no jurisdiction fedramp-high");
    const { run, asked } = makeRun({ settings, jurisdiction: "fedramp" });
    await makeDatabase(run);
    expect(asked[0]).toContain("fedramp");
  });

  it("that exists elsewhere is refused where own.toml says where, and named where a setting does", async () => {
    const strict = makeRun({ jurisdiction: "eu", answer: withDatabase(null) });
    await expect(findDatabase(strict.run)).rejects.toThrow("is in the jurisdiction default, not in eu");
    const lenient = makeRun({ settings: { JURISDICTION: "eu" }, answer: withDatabase(null) });
    expect(await findDatabase(lenient.run)).toBe(true);
    expect(lenient.said.join()).toContain("JURISDICTION is eu");
    const right = makeRun({ jurisdiction: "eu", settings: { JURISDICTION: "eu" }, answer: withDatabase("eu") });
    expect(await findDatabase(right.run)).toBe(true);
    expect(right.said).toEqual([]);
  });

  it("without a table of migrations lacks all of them", async () => {
    const all = ["0000_a.sql", "0001_b.sql"];
    const tail = "no such table: d1_migrations: SQLITE_ERROR";
    expect(await findPending(makeRun({ answer: { code: 1, tail } }).run, all)).toEqual(all);
    const stdout = JSON.stringify([{ results: [{ name: "0000_a.sql" }] }]);
    expect(await findPending(makeRun({ answer: { stdout } }).run, all)).toEqual(["0001_b.sql"]);
  });

  it("whose migrations can't be listed is not taken for an empty one", async () => {
    await expect(findPending(makeRun({ answer: { code: 1 } }).run, [])).rejects.toThrow("can't be listed");
  });

  it("of a version before 0.2.0 is refused, with the command for a new deployment", async () => {
    const stdout = JSON.stringify([{ results: [{ name: "0017_receipts.sql" }, { name: "0000_initial.sql" }] }]);
    const { run, asked } = makeRun({ answer: { stdout } });
    await expect(findPending(run, ["0100_baseline.sql"])).rejects.toMatchObject({
      message: "the database taskloom is of a version before 0.2.0: it records 0017_receipts.sql",
      remedy: expect.stringContaining("then `npm run deploy -- --renamed`"),
    });
    expect(asked.map(([, command]) => command)).toEqual(["execute"]);
  });
});

describe("the secrets of a deployment", () => {
  const settings = { ADMIN_API_KEY: "a", ENCRYPTION_KEY: "e" };

  it("must be there, here or at Cloudflare", () => {
    const { run } = makeRun();
    expect(checkSecrets(run, { settings, made: {} }, null)).toEqual(settings);
    expect(checkSecrets(run, null, ["ADMIN_API_KEY", "ENCRYPTION_KEY"])).toEqual({});
    expect(() => checkSecrets(run, null, ["ADMIN_API_KEY"])).toThrow("there is no ENCRYPTION_KEY");
    expect(() => checkSecrets(run, null, null)).toThrow(Failure);
  });

  it("have no value twice", () => {
    const { run } = makeRun({ vars: { OPENAI_MODEL: "small" } });
    const secrets = { settings: { ...settings, OPENAI_MODEL: "large" }, made: {} };
    expect(() => checkSecrets(run, secrets, null)).toThrow("OPENAI_MODEL is a var of own.toml and a secret");
    expect(() => checkSecrets(run, { settings, made: {} }, ["OPENAI_MODEL"])).toThrow("OPENAI_MODEL");
  });
});

describe("a Worker of this name", () => {
  it("that is another program is not replaced", () => {
    const { run } = makeRun();
    expect(() => checkOwner(run, ["SOMETHING"])).toThrow("it may be another program");
    checkOwner(run, null);
    checkOwner(run, ["ADMIN_API_KEY"]);
  });
});

describe("what wrangler prints", () => {
  it("has no secret in it, plain or as JSON shows it", () => {
    const hide = hideSecrets({ settings: { A: 'sk-"quoted"', B: "short" }, made: {} });
    expect(hide('sk-"quoted" {"a":"sk-\\"quoted\\""} short')).toBe('[secret] {"a":"[secret]"} short');
  });
});

describe("the end of what wrangler prints", () => {
  it("has each line once, and no stack of its own", () => {
    const text = [
      "\u001b[31m✘ [ERROR] A request to the Cloudflare API (/user) failed.\u001b[0m",
      "  Authentication error [code: 10000]",
      "Getting User settings...",
      "APIError: A request to the Cloudflare API (/user) failed.",
      "    at throwFetchError (/a/node_modules/wrangler/wrangler-dist/cli.js:63338:19)",
      "    at async /a/node_modules/wrangler/wrangler-dist/cli.js:239488:11",
      "  Authentication error [code: 10000]",
      "(error handler also failed: APIError: A request to the Cloudflare API (/user) failed.",
      "    at async main (/a/node_modules/wrangler/wrangler-dist/cli.js:366031:9))",
    ];
    expect(readTail(text.join("\n")).split("\n")).toEqual([
      "✘ [ERROR] A request to the Cloudflare API (/user) failed.",
      "  Authentication error [code: 10000]",
      "APIError: A request to the Cloudflare API (/user) failed.",
    ]);
  });
});

describe("what wrangler refuses", () => {
  it.each([
    ["Could not authenticate because no credentials were found", /wrangler login/],
    [
      "Authentication error [code: 10000]\nIt looks like … CLOUDFLARE_API_TOKEN environment variable",
      /lacks a permission/,
    ],
    ["More than one account available but unable to select one", /account_id/],
    ["You need to register a workers.dev subdomain", /Register one/],
    ['rate\nThe API responded with a "Retry-After" header', /Wait a minute/],
    ["Received a malformed response from the API", /Wait a minute/],
    ["fetch failed", /can't be reached/],
    ["Invalid API Token [code: 1000]", /has expired/],
    ["Internal [code: 10001]", /Wait a minute/],
    ["Please wait and consider throttling your request speed [code: 971]", /Wait a minute/],
    ["table `threads` already exists: SQLITE_ERROR [code: 7500]", /database_name/],
    ['Queue "taskloom-jobs" already has a consumer: other [code: 11004]', /Another Worker reads this queue/],
    ['Queue "taskloom-jobs" of binding JOBS does not exist [code: 100104]', /Queues: Edit/],
    ["something else", /continues from here/],
  ])("%s: is said with what to do", (tail, remedy) => {
    expect(showError(describeRefusal({ code: 1, stdout: "", tail }, "it failed"))).toMatch(remedy);
  });
});
