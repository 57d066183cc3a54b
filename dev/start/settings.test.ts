import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { checkKeys, forDemoModel, namedServers, previewDomain, quotasOf, readSettings, secretsOf } from "./settings.ts";

let root: string;

beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), "taskloom-settings-"));
});
afterEach(() => rm(root, { recursive: true, force: true }));

describe("settings", () => {
  it("are read from .dev.vars, and the environment takes precedence", async () => {
    await writeFile(
      join(root, ".dev.vars"),
      'OPENAI_API_KEY="from file"\nOPENAI_MODEL=small # a remark\nOWN_SETTING=1\n',
    );
    const environment = { OPENAI_MODEL: "large", PATH: "/bin" };
    expect(await readSettings(root, environment)).toEqual({
      OPENAI_API_KEY: "from file",
      OPENAI_MODEL: "large",
      OWN_SETTING: "1",
    });
  });

  it("need no .dev.vars", async () => {
    const wanted = { DAYTONA_TARGET: "eu", MODEL_FIRST_BYTE_SECONDS: "600", MODEL_IDLE_SECONDS: "90" };
    expect(await readSettings(root, { ...wanted, HOME: "/root" })).toEqual(wanted);
  });

  it("are unset by an empty variable of the environment", async () => {
    await writeFile(join(root, ".dev.vars"), "OPENAI_API_KEY=key\n");
    expect(await readSettings(root, { OPENAI_API_KEY: "" })).toEqual({});
  });

  it("are rejected where the server would not work with them", async () => {
    for (const IMAGE_URLS of ["public", "data", " data "]) {
      expect(await readSettings(root, { IMAGE_URLS })).toEqual({ IMAGE_URLS });
    }
    await expect(readSettings(root, { IMAGE_URLS: "none" })).rejects.toThrow('IMAGE_URLS must be "public" or "data"');
    await expect(readSettings(root, { JURISDICTION: "eu" })).rejects.toThrow("JURISDICTION is for a deployment");
    await expect(readSettings(root, { LOCATION_HINT: "eu" })).rejects.toThrow("LOCATION_HINT must be one of wnam");
    await writeFile(join(root, ".dev.vars"), "IMAGE_URLS=date\n");
    await expect(readSettings(root, {})).rejects.toThrow("IMAGE_URLS");
    expect(await readSettings(root, { IMAGE_URLS: "" })).toEqual({});
    await writeFile(join(root, ".dev.vars"), "BRAVE_API_KEY=b-1234\nSEARCH_ORDER=brave,exa\n");
    await expect(readSettings(root, {})).rejects.toThrow(
      /^The server's setting SEARCH_ORDER names exa, which needs EXA_/,
    );
    const fixed = { BRAVE_API_KEY: "b-1234", SEARCH_ORDER: "brave" };
    expect(await readSettings(root, { SEARCH_ORDER: "brave" })).toEqual(fixed);
  });

  it("may have JSON in .dev.vars, on one line or in quotes on several", async () => {
    for (const text of [`{"a": {"base_url": "http://a"}}`, `'{\n  "a": {"base_url": "http://a"}\n}'`]) {
      await writeFile(join(root, ".dev.vars"), `MODEL_SERVERS=${text}\nOPENAI_MODEL=a/b\n`);
      expect(namedServers(await readSettings(root, {}))).toEqual({ names: ["a"], hasDefault: true });
    }
  });

  it.each([
    ["MODEL_SERVERS", "{"],
    ["MODEL_SERVERS", '{"a": {"base_url": "http://a", "provider": "openia"}}'],
    ["MODELS_ALLOWED", "gpt 5"],
    ["MAX_STEPS", "0"],
    ["ALWAYS_APPROVE", "git_psh"],
    ["MODEL_PROFILE", "ollamma"],
    ["MODEL_HEADERS", '{"Host": "x"}'],
    ["MODEL_EXTRA_BODY", '{"model": "x"}'],
    ["MODEL_PRICES", '{"a": "free"}'],
    ["MODEL_API", "chats"],
    ["OIDC_ISSUER", "http://sso.example"],
    ["DEPLOYMENT_DAY_CAPS", "cost=20"],
    ["USER_MONTH_CAPS", "cost_usd=20 USD"],
    ["QUOTAS", "runs=5"],
    ["QUOTAS", "runs_per_minute=many"],
    ["OPENAI_BASE_URL", "localhost:11434/v1"],
  ])("are rejected if %s is %s, with the setting's name, with and without a key", async (name, value) => {
    await expect(readSettings(root, { OPENAI_API_KEY: "k", [name]: value })).rejects.toThrow(name);
    await expect(readSettings(root, { [name]: value })).rejects.toThrow(name);
  });
});

describe("forDemoModel", () => {
  it("unsets what concerns the server of OPENAI_BASE_URL alone, and names what was set", () => {
    const set = { MODEL_API: "responses", MODEL_PROFILE: "azure", MODEL_CONTEXT_TOKENS: "9000" };
    const { settings, ignored } = forDemoModel(set, "demo");
    expect(ignored).toEqual(["MODEL_PROFILE", "MODEL_API"]);
    expect({ ...set, ...settings }).toMatchObject({ MODEL_API: "", MODEL_PROFILE: "", MODEL_CONTEXT_TOKENS: "9000" });
  });

  it("costs nothing, beside what others cost", () => {
    expect(forDemoModel({}, "demo").settings.MODEL_PRICES).toBe('{"demo":0}');
    const MODEL_PRICES = '{"other/*": 2, "demo": 1}';
    expect(forDemoModel({ MODEL_PRICES }, "demo").settings.MODEL_PRICES).toBe('{"demo":1,"other/*":2}');
  });
});

describe("quotasOf", () => {
  it("ends quotas on a server of one person, and keeps them where others may sign in", () => {
    expect(quotasOf({})).toEqual({ QUOTAS: "off" });
    const signIn = { OIDC_ISSUER: "https://sso.example", OIDC_CLIENT_ID: "id", OIDC_CLIENT_SECRET: "secret" };
    expect(quotasOf(signIn)).toEqual({});
  });
});

describe("secretsOf", () => {
  it("returns the keys, not the addresses", () => {
    const settings = {
      OPENAI_API_KEY: "sk-1234",
      OPENAI_BASE_URL: "https://api.example",
      SLACK_CLIENT_SECRET: "hidden",
      TAVILY_API_KEY: "tvly-1234",
      SEARXNG_URL: "http://10.0.0.5",
    };
    expect(secretsOf(settings)).toEqual(["sk-1234", "hidden", "tvly-1234"]);
  });

  it("returns the keys, tokens and headers of each model server", () => {
    const server = { base_url: "http://a", key: "sk-5678", gateway_token: "gate-1", headers: { "X-Key": "header-1" } };
    expect(secretsOf({ MODEL_SERVERS: JSON.stringify({ server }) })).toEqual(["sk-5678", "gate-1", "header-1"]);
  });
});

describe("previewDomain", () => {
  it("is under localhost where none is set, with the server's port", () => {
    expect(previewDomain({}, 8787)).toBe("localhost:8787");
    expect(previewDomain({ PREVIEW_DOMAIN: " Previews.Example " }, 8787)).toBe("previews.example");
  });

  it.each([
    "https://previews.example",
    "previews.example/",
    "*.previews.example",
    "127.0.0.1:8787",
    "previews",
    "-x.example",
  ])("rejects %s", (domain) => {
    expect(() => previewDomain({ PREVIEW_DOMAIN: domain }, 8787)).toThrow("PREVIEW_DOMAIN");
  });
});

describe("checkKeys", () => {
  const long = "0123456789abcdef0123456789abcdef";

  it("has nothing to say of long keys", () => {
    for (const isNew of [true, false]) {
      expect(checkKeys({ ADMIN_API_KEY: long, ENCRYPTION_KEY: `${long},old` }, isNew)).toEqual([]);
    }
  });

  it.each([
    ["ADMIN_API_KEY", { ADMIN_API_KEY: "canary", ENCRYPTION_KEY: long }],
    ["ENCRYPTION_KEY", { ADMIN_API_KEY: long, ENCRYPTION_KEY: `canary,${long}` }],
  ])("refuses a short %s for a new server, and warns of it where data is", (name, keys) => {
    expect(() => checkKeys(keys, true)).toThrow(new RegExp(`^${name} needs at least 32 characters`));
    expect(checkKeys(keys, false)).toEqual([expect.stringMatching(new RegExp(`^${name} has fewer(?!.*canary)`))]);
  });
});
