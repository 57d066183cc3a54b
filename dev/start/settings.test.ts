import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { previewDomain, readSettings, secretsOf } from "./settings.ts";

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
    await writeFile(join(root, ".dev.vars"), "IMAGE_URLS=date\n");
    await expect(readSettings(root, {})).rejects.toThrow("IMAGE_URLS");
    expect(await readSettings(root, { IMAGE_URLS: "" })).toEqual({});
  });
});

describe("secretsOf", () => {
  it("returns the keys, not the addresses", () => {
    const settings = {
      OPENAI_API_KEY: "sk-1234",
      OPENAI_BASE_URL: "https://api.example",
      SLACK_CLIENT_SECRET: "hidden",
    };
    expect(secretsOf(settings)).toEqual(["sk-1234", "hidden"]);
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
