import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { readSearchSettings, searchServices } from "./search.ts";

const all = {
  TAVILY_API_KEY: "tvly-1",
  BRAVE_API_KEY: "BSA-1",
  EXA_API_KEY: "exa-1",
  SERPER_API_KEY: "serper-1",
  SEARXNG_URL: "http://10.0.0.5:8080/",
  BOCHA_API_KEY: "sk-bocha",
  SEARCH_MODEL: "gpt-5-mini",
  OPENAI_API_KEY: "sk-1",
};
const namesOf = (env: object) => readSearchSettings(env).services.map(({ name }) => name);

describe("the settings of the search", () => {
  it("are empty where nothing is set, and where a value is blank", () => {
    const none = { services: [], private_origins: [], problem: null };
    expect(readSearchSettings({})).toEqual(none);
    expect(readSearchSettings({ TAVILY_API_KEY: " ", SEARXNG_URL: "", SEARCH_ORDER: " , ", DB: {} })).toEqual(none);
  });

  it("ask services in the documented order, or in the one of SEARCH_ORDER alone", () => {
    expect(namesOf(all)).toEqual([...searchServices]);
    expect(namesOf({ ...all, SEARCH_ORDER: "Bocha, searxng ,bocha" })).toEqual(["bocha", "searxng"]);
  });

  it.each([
    ["http://10.0.0.5:8080/", "http://10.0.0.5:8080"],
    ["https://search.example/searxng/search", "https://search.example/searxng"],
    ["https://search.example/search/", "https://search.example"],
  ])("take %s as an address of SearXNG", (given, address) => {
    expect(readSearchSettings({ SEARXNG_URL: given }).services).toEqual([{ name: "searxng", access: address }]);
  });

  it.each([
    [{ TAVILY_API_KEY: "two words" }, "TAVILY_API_KEY must be 1 to 4096 visible ASCII characters without spaces."],
    [{ BOCHA_API_KEY: "博查" }, "BOCHA_API_KEY must be 1 to 4096 visible ASCII characters without spaces."],
    [{ SEARXNG_URL: "search.example" }, "SEARXNG_URL must be an http or https address."],
    [{ SEARXNG_URL: "ftp://search.example" }, "SEARXNG_URL must be an http or https address."],
    [{ SEARXNG_URL: "https://me:pw@search.example" }, "SEARXNG_URL may not have a user name or password in it."],
    [{ SEARXNG_URL: "https://search.example/?q=" }, "SEARXNG_URL may not have a query or a fragment."],
    [
      { ...all, SEARCH_ORDER: "brave,google" },
      "SEARCH_ORDER has no service's name at place 2: tavily, brave, exa, serper, searxng, bocha, model.",
    ],
    [{ EXA_API_KEY: "k", SEARCH_ORDER: "exa,brave" }, "SEARCH_ORDER names brave, which needs BRAVE_API_KEY."],
    [
      { WEB_PRIVATE_ORIGINS: "http://wiki.internal/start" },
      "WEB_PRIVATE_ORIGINS has no origin such as http://wiki.internal at place 1.",
    ],
    [
      { WEB_PRIVATE_ORIGINS: "http://a.lan,*" },
      "WEB_PRIVATE_ORIGINS has no origin such as http://wiki.internal at place 2.",
    ],
  ])("say what is wrong with %o", (env, words) => {
    expect(readSearchSettings(env)).toEqual({
      services: [],
      private_origins: [],
      problem: `The server's setting ${words}`,
    });
  });

  it("find the model's server as runs do", () => {
    const router = { base_url: "https://router.example/v1/", key: "r-1" };
    const env = {
      OPENAI_API_KEY: "sk-1",
      MODEL_SERVERS: JSON.stringify({ router, local: { base_url: "http://10.0.0.1/v1" } }),
    };
    const serviceOf = (SEARCH_MODEL: string) => readSearchSettings({ ...env, SEARCH_MODEL }).services;
    const openai = { name: "model", access: "sk-1", base_url: "https://api.openai.com/v1" };
    expect(serviceOf("gpt-5-mini")).toEqual([{ ...openai, model: "gpt-5-mini", full_name: "gpt-5-mini" }]);
    expect(serviceOf("openai/gpt-5-mini")).toEqual([
      { ...openai, model: "openai/gpt-5-mini", full_name: "openai/gpt-5-mini" },
    ]);
    expect(serviceOf("router/x-ai/grok")).toEqual([
      {
        name: "model",
        access: "r-1",
        base_url: "https://router.example/v1",
        model: "x-ai/grok",
        full_name: "router/x-ai/grok",
      },
    ]);
    expect(serviceOf("local/m")).toMatchObject([{ access: "", base_url: "http://10.0.0.1/v1" }]);
    const problemOf = (set: object) => readSearchSettings(set).problem;
    expect(problemOf({ SEARCH_MODEL: "gpt-5" })).toContain("SEARCH_MODEL needs OPENAI_API_KEY");
    const azure = { OPENAI_API_KEY: "k", OPENAI_BASE_URL: "https://a.example/openai?api-version=1" };
    expect(problemOf({ ...azure, SEARCH_MODEL: "gpt-5" })).toContain("address has no query");
    expect(problemOf({ ...env, SEARCH_MODEL: "two words" })).toContain("SEARCH_MODEL must be a model's name");
  });

  it("read origins in their one form", () => {
    const given = "http://127.0.0.1:41234/, HTTPS://Wiki.Internal:443";
    expect(readSearchSettings({ WEB_PRIVATE_ORIGINS: given }).private_origins).toEqual([
      "http://127.0.0.1:41234",
      "https://wiki.internal",
    ]);
  });

  it("never show a value in what is wrong with it", () => {
    const value = fc.string({ minLength: 1 }).map((text) => `secret-${text} 密`);
    const names = [...Object.keys(all), "SEARCH_ORDER", "WEB_PRIVATE_ORIGINS"];
    fc.assert(
      fc.property(fc.constantFrom(...names), value, (name, given) => {
        expect(readSearchSettings({ [name]: given }).problem ?? "").not.toMatch(/secret-|密/);
      }),
    );
  });
});
