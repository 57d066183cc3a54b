// The documents list exactly the routes, events, problem codes, tables, columns, settings and profiles of models that
// exist, and so does `npm start` for settings. Whether the documents' texts are right is for reviews.
import { existsSync } from "node:fs";
import { readdir, readFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { describe, expect, it } from "vitest";
import { settingNames } from "../dev/start/setting-names.ts";
import { createApp } from "../src/app.ts";
import { describeApi } from "../src/http/docs/openapi.ts";
import { serverNames } from "../src/models/index.ts";
import { defaultAgent } from "../src/protocol/agents/agent.ts";
import { problems } from "../src/protocol/error.ts";
import { modelFailureReasons, runErrorCodes } from "../src/protocol/run.ts";
import { slackScopes } from "../src/slack/oauth.ts";
import { tableStatements } from "../src/thread/rows/tables.ts";
import { providers } from "./contract/models/providers/index.ts";
import { trips } from "./worker/walk/trips.ts";

const root = join(import.meta.dirname, "..");

function read(path: string): Promise<string> {
  return readFile(join(root, path), "utf8");
}

/** Every text that `pattern` captures, once. There must be one. */
function findAll(text: string, pattern: RegExp): string[] {
  const found = [...text.matchAll(pattern)].map(([, name = ""]) => name);
  expect(found.length).toBeGreaterThan(0);
  return [...new Set(found)];
}

/** The names that appear nowhere between backticks. */
function missingIn(text: string, names: string[]): string[] {
  const quoted = new Set([...text.matchAll(/`([^`\n]+)`/g)].flatMap(([, code = ""]) => code.split(/[^\w]+/)));
  return names.filter((name) => !quoted.has(name));
}

/** The settings in a source with `Env`. */
function settingsIn(source: string): string[] {
  return findAll(source, /^ {2}([A-Z][A-Z\d_]+)\?: string;$/gm);
}

/** The settings in the rows of a table. */
function settingsListed(text: string): string[] {
  return findAll(text, /^\| `([A-Z][A-Z\d_]+)` \|/gm);
}

async function listDocuments(): Promise<string[]> {
  const entries = await readdir(join(root, "docs"), { recursive: true });
  const inDocs = entries.filter((entry) => entry.endsWith(".md")).map((entry) => join("docs", entry));
  return ["README.md", "README.zh-CN.md", "CHANGELOG.md", "CONTRIBUTING.md", ...inDocs];
}

/** The anchors that GitHub makes from the headings of a text. */
function anchorsOf(text: string): string[] {
  const headings = [...text.replaceAll(/^```[\s\S]*?^```/gm, "").matchAll(/^#+ (.+)$/gm)].map(
    ([, title = ""]) => title,
  );
  return headings.map((title) =>
    title
      .toLowerCase()
      .replaceAll(/[^\p{L}\p{N}\s_-]/gu, "")
      .replaceAll(" ", "-"),
  );
}

/** The tables of both stores, with their columns. */
async function readTables(): Promise<{ store: string; name: string; columns: string[] }[]> {
  const migrations = (await readdir(join(root, "migrations"))).filter((file) => file.endsWith(".sql"));
  const schema = (await Promise.all(migrations.map((file) => read(`migrations/${file}`)))).join("\n");
  const inDatabase = [...schema.matchAll(/CREATE TABLE `(\w+)` \(\n([\s\S]*?)\n\)/g)].map(
    ([, name = "", body = ""]) => ({
      store: "D1",
      name,
      columns: findAll(body, /^\t`(\w+)`/gm),
    }),
  );
  const inObject = tableStatements.flatMap((statement) => {
    const [, name = "", body = ""] =
      /CREATE TABLE IF NOT EXISTS (\w+) \(([\s\S]*)\)/.exec(statement.split(";\n")[0] ?? "") ?? [];
    return name === "" ? [] : [{ store: "object", name, columns: findAll(body, /(?:^|,)\s*([a-z]\w*) [A-Z]+/g) }];
  });
  return [...inDatabase, ...inObject];
}

/** The section of storage.md about one table of one store. */
function sectionOf(text: string, store: string, table: string): string {
  const [, inDatabase = "", inObject = ""] = /\n## D1\n([\s\S]*)\n## The object's SQLite\n([\s\S]*)/.exec(text) ?? [];
  const sections = (store === "D1" ? inDatabase : inObject).split("\n### ");
  return sections.find((section) => section.split("\n", 1)[0]?.includes(`\`${table}\``)) ?? "";
}

describe.each(["README.md", "README.zh-CN.md"])("%s", (path) => {
  it("stays under 150 lines", async () => {
    expect((await read(path)).trimEnd().split("\n").length).toBeLessThan(150);
  });
});

describe("docs/README.md", () => {
  it("lists every document of its folder, each once", async () => {
    const documents = (await readdir(join(root, "docs"))).filter(
      (file) => file.endsWith(".md") && file !== "README.md",
    );
    const listed = [...(await read("docs/README.md")).matchAll(/^\| \[[^\]]+\]\(([\w-]+\.md)\) \|/gm)].map(
      ([, file = ""]) => file,
    );
    expect(listed.toSorted()).toEqual(documents.toSorted());
  });
});

describe("docs/api.md", () => {
  it("lists exactly the routes that are served", async () => {
    const { paths } = describeApi(createApp()) as { paths: Record<string, Record<string, unknown>> };
    const served = Object.entries(paths).flatMap(([path, methods]) =>
      Object.keys(methods).map((method) => `${method.toUpperCase()} ${path.replaceAll(/\{(\w+)\}/g, ":$1")}`),
    );
    const rows = [...(await read("docs/api.md")).matchAll(/^\| `([A-Z ]+)` \| `(\/[^`]*)` \|/gm)];
    const listed = rows.flatMap(([, methods = "", path = ""]) =>
      methods.split(" ").map((method) => `${method} ${path}`),
    );
    expect(served.length).toBeGreaterThan(20);
    expect(listed.toSorted()).toEqual(served.toSorted());
  });
});

describe("docs/agents.md", () => {
  it("lists every field of an agent's configuration with its default", async () => {
    const rows = (await read("docs/agents.md")).matchAll(/^\| `(\w+)` \| `([^`]+)` \|/gm);
    const listed = Object.fromEntries([...rows].map(([, field, text]) => [field, text]));
    const defaults = Object.entries(defaultAgent.config).map(([field, value]) => [field, JSON.stringify(value)]);
    expect(listed).toEqual(Object.fromEntries(defaults));
  });
});

describe("docs/settings.md", () => {
  it("lists exactly the settings that are read", async () => {
    const settings = settingsIn(await read("src/config.ts"));
    expect(settingsListed(await read("docs/settings.md")).toSorted()).toEqual(settings.toSorted());
  });

  it("is compared by names that may contain digits", () => {
    expect(settingsIn("export interface Env {\n  S3_KEY?: string;\n  DB2?: string;\n}")).toEqual(["S3_KEY", "DB2"]);
    expect(settingsListed("| `S3_KEY` | key of the bucket | none |")).toEqual(["S3_KEY"]);
  });
});

describe("dev/start/setting-names.ts", () => {
  it("names exactly the settings that are read, but for those that `npm start` and `npm run deploy` set", async () => {
    const settings = settingsIn(await read("src/config.ts")).filter(
      (name) => !["STAND_INS", "DEAD_QUEUE"].includes(name),
    );
    expect(settingNames.toSorted()).toEqual(settings.toSorted());
  });
});

describe("docs/protocol.md", () => {
  it("names every event, and every CUSTOM event by its name", async () => {
    const source = await read("src/protocol/event.ts");
    const union = source.slice(source.indexOf("export type ThreadEvent"));
    const events = findAll(union, /"([A-Z][A-Z_]{3,})"/g);
    const custom = findAll(union, /type: "CUSTOM"; name: "(\w+)"/g);
    expect(missingIn(await read("docs/protocol.md"), [...events, ...custom])).toEqual([]);
  });

  it("lists every problem with its status, and every error of a run", async () => {
    const text = await read("docs/protocol.md");
    const listed = [...text.matchAll(/^\| (\d{3}) \| `(\w+)` \|/gm)].map(([, status, code]) => `${status} ${code}`);
    const known = Object.entries(problems).map(([code, { status }]) => `${status} ${code}`);
    expect(listed.toSorted()).toEqual(known.toSorted());
    expect(missingIn(text, [...runErrorCodes])).toEqual([]);
  });
});

describe("docs/models.md", () => {
  it("lists exactly the profiles that MODEL_PROFILE may name, each of which has a strict server", async () => {
    const [, table = ""] = /\n\| `MODEL_PROFILE` \|.*\n((?:\|.*\n)+)/.exec(await read("docs/models.md")) ?? [];
    const cells = table.split("\n").map((row) => row.split("|")[1] ?? "");
    const listed = findAll(cells.join("\n"), /`([a-z-]+)`/g);
    expect(listed.toSorted()).toEqual(serverNames.toSorted());
    expect([...new Set(providers.map(({ profile }) => profile))].toSorted()).toEqual(serverNames.toSorted());
  });

  it("lists every reason of a run's error, and no other", async () => {
    const [, table = ""] = (await read("docs/models.md")).split("| `reason` |");
    expect(findAll(table, /^\| `([a-z_]+)` \|/gm)).toEqual([...modelFailureReasons]);
  });
});

describe("docs/storage.md", () => {
  it("describes every table of both stores with every column", async () => {
    const text = await read("docs/storage.md");
    const tables = await readTables();
    const schemas = [
      await read("src/store/schema.ts"),
      await read("src/store/projects/schema.ts"),
      await read("src/store/people/schema.ts"),
      await read("src/store/budgets/schema.ts"),
      await read("src/store/receipts/schema.ts"),
    ].join("\n");
    const inSchema = findAll(schemas, /sqliteTable\(\s*"(\w+)"/g);
    expect(tables.filter(({ store }) => store === "D1").map(({ name }) => name)).toEqual(
      expect.arrayContaining(inSchema),
    );
    const missing = tables.flatMap(({ store, name, columns }) =>
      missingIn(sectionOf(text, store, name), columns).map((column) => `${store} ${name}.${column}`),
    );
    expect(missing).toEqual([]);
  });
});

describe("docs/slack.md", () => {
  it("lists the scopes that an installation requests", async () => {
    const [, listed = ""] = /\n {4}bot:\n((?: {6}- .*\n)+)/.exec(await read("docs/slack.md")) ?? [];
    expect(findAll(listed, /- (\S+)/g)).toEqual(slackScopes);
  });
});

describe("the documents", () => {
  it("link only to files that exist", async () => {
    const broken: string[] = [];
    for (const path of await listDocuments()) {
      const links = [...(await read(path)).matchAll(/\]\((?!https?:|#)([^)\s#]+)[^)]*\)/g)].map(
        ([, link = ""]) => link,
      );
      broken.push(
        ...links.filter((link) => !existsSync(join(root, dirname(path), link))).map((link) => `${path}: ${link}`),
      );
    }
    expect(broken).toEqual([]);
  });

  it("link only to headings that exist", async () => {
    const broken: string[] = [];
    for (const path of await listDocuments()) {
      for (const [, file = "", anchor = ""] of (await read(path)).matchAll(/\]\((?!https?:)([^)\s#]*)#([^)\s]+)\)/g)) {
        const target = file === "" ? path : join(dirname(path), file);
        if (!target.endsWith(".md") || !existsSync(join(root, target))) continue;
        if (!anchorsOf(await read(target)).includes(decodeURIComponent(anchor)))
          broken.push(`${path}: ${file}#${anchor}`);
      }
    }
    expect(broken).toEqual([]);
  });

  it("name only npm scripts that exist", async () => {
    const { scripts } = JSON.parse(await read("package.json")) as { scripts: Record<string, string> };
    const texts = await Promise.all((await listDocuments()).map(read));
    const named = findAll(texts.join("\n"), /`?npm run ([a-z]+)/g);
    expect(named.filter((name) => scripts[name] === undefined)).toEqual([]);
  });
});

it("the costs sum up the trips of all operations", async () => {
  const rows = new Map<number, { all: number; reads: number }>();
  for (const [name, count] of Object.entries(trips)) {
    const { all, reads } = rows.get(count) ?? { all: 0, reads: 0 };
    rows.set(count, { all: all + 1, reads: reads + (name.startsWith("GET ") ? 1 : 0) });
  }
  const said = [...rows]
    .sort(([one], [other]) => one - other)
    .map((row) => `| ${row[0]} | ${row[1].all} | ${row[1].reads} |`);
  expect(await read("docs/costs.md")).toContain(`\n${said.join("\n")}\n`);
});
