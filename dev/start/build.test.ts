import { cp, mkdir, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { describeWorker, hashWorker } from "./build.ts";

const repository = join(import.meta.dirname, "../..");

let root: string;

beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), "taskloom-build-"));
  await mkdir(join(root, "dist/web"), { recursive: true });
  await cp(join(repository, "wrangler.toml"), join(root, "wrangler.toml"));
});
afterEach(() => rm(root, { recursive: true, force: true }));

describe("describeWorker", () => {
  it("returns wrangler.toml's names, flags and bindings, with paths of this clone", async () => {
    const text = await readFile(join(root, "wrangler.toml"), "utf8");
    const read = (name: string) => new RegExp(`^${name} = "(.*)"`, "m").exec(text)?.[1];
    const options = await describeWorker(root);
    expect(options).toMatchObject({
      name: read("name"),
      compatibilityDate: read("compatibility_date"),
      compatibilityFlags: expect.arrayContaining(["nodejs_compat"]),
      d1Databases: { DB: { id: read("preview_database_id") } },
      durableObjects: { THREADS: { className: "ThreadObject", useSQLite: true } },
      queueConsumers: { "taskloom-jobs": { maxBatchSize: 20, maxRetries: 5, deadLetterQueue: "taskloom-dead" } },
      assets: { directory: "dist/web", binding: "ASSETS" },
    });
    expect(JSON.stringify(options)).not.toContain(root);
  });

  it("has the vars of wrangler.toml, and nothing of .dev.vars", async () => {
    const text = await readFile(join(root, "wrangler.toml"), "utf8");
    await writeFile(join(root, "wrangler.toml"), `${text}\n[vars]\nOPENAI_MODEL = "of-the-file"\n`);
    await writeFile(join(root, ".dev.vars"), "OPENAI_API_KEY=sk-hidden\n");
    const options = await describeWorker(root);
    expect(options.bindings).toEqual({ OPENAI_MODEL: "of-the-file" });
    expect(JSON.stringify(options)).not.toContain("sk-hidden");
  });
});

describe("the name of a build", () => {
  it.each(["src/index.ts", "scripts/bundle/zod.ts", "wrangler.toml", "tsconfig.json", "package-lock.json"])(
    "is another one when %s changes",
    async (path) => {
      for (const folder of ["src", "scripts/bundle", "dev/start"]) await mkdir(join(root, folder), { recursive: true });
      const made = ["src/index.ts", "scripts/bundle/zod.ts", "dev/start/entrypoints.ts"];
      for (const file of [...made, "tsconfig.json", "package-lock.json"]) await writeFile(join(root, file), "one");
      const choice = { entry: "src/index.ts", minified: true };
      const before = await hashWorker(root, choice);
      expect(await hashWorker(root, choice)).toBe(before);
      await writeFile(join(root, path), "two");
      expect(await hashWorker(root, choice)).not.toBe(before);
    },
  );
});
