// Every file keeps the rules of the code (see docs/architecture.md), and each rule detects a file that breaks it.
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import * as rules from "./floors/rules.ts";
import { readImports, readSources, type Source } from "./floors/sources.ts";

const sources = await readSources(join(import.meta.dirname, ".."));

function file(path: string, text = ""): Source {
  return { path, text };
}

describe("the sources", () => {
  it("are read from all folders", () => {
    const paths = sources.map(({ path }) => path);
    expect(paths).toContain("src/config.ts");
    expect(paths).toContain("test/floors.test.ts");
    expect(paths).toContain("scripts/test.ts");
  });

  it.each(Object.entries(rules))("keep the %s", (_name, rule) => {
    expect(rule(sources)).toEqual([]);
  });
});

describe("imports", () => {
  it("are found in every form", () => {
    const text = [
      'import { a } from "one";',
      'import type { b } from "./two.ts";',
      "import {\n  c,\n  d,\n} from '../three.ts';",
      'export * from "./four.ts";',
      'export { e } from "five/sub";',
      'import "six";',
      'const seven = await import("./seven.ts");',
      'type Eight = import("eight").Eight;',
    ].join("\n");
    const found = readImports(file("src/agent/x.ts", text)).map(({ specifier, target }) => target ?? specifier);
    expect(found.toSorted()).toEqual(
      [
        "one",
        "src/agent/two.ts",
        "src/three.ts",
        "src/agent/four.ts",
        "five/sub",
        "six",
        "src/agent/seven.ts",
        "eight",
      ].toSorted(),
    );
  });
});

describe("the rules detect", () => {
  it.each([
    ["an upper floor", "src/agent/loop.ts", "../store/runs.ts"],
    ["the floor of a neighbour", "src/app.ts", "../queue/jobs.ts"],
    ["another room of its floor", "src/tools/shell.ts", "../sandboxes/daytona.ts"],
    ["the agent, from a leaf", "src/lib/retry.ts", "../agent/loop.ts"],
    ["the vocabulary, from a leaf", "src/lib/log.ts", "../protocol/run.ts"],
    ["a room on no floor", "src/agent/loop.ts", "../extra/thing.ts"],
    ["what is outside src", "src/agent/loop.ts", "../../test/fakes/model.ts"],
  ])("a file that imports %s", (_what, path, specifier) => {
    expect(rules.floorRule([file(path, `import { x } from "${specifier}";`)])).toHaveLength(1);
  });

  it("a file in a room on no floor", () => {
    expect(rules.floorRule([file("src/extra/thing.ts", 'import { x } from "../lib/log.ts";')])).toHaveLength(1);
  });

  it("a folder of src/http that no floor names", () => {
    const named = [file("src/http/stream.ts"), file("src/http/routes/runs.ts"), file("src/http/run-stream/open.ts")];
    expect(rules.httpFolderRule(named)).toEqual([]);
    expect(
      rules.httpFolderRule([...named, file("src/http/extra/routes.ts"), file("src/http/extra/a/b.ts")]),
    ).toHaveLength(1);
  });

  it("a cycle of imports, type imports included", () => {
    const cycle = [
      file("src/agent/a.ts", 'import { b } from "./b.ts";'),
      file("src/agent/b.ts", 'import type { C } from "../lib/c.ts";'),
      file("src/lib/c.ts", 'export type { A } from "../agent/a.ts";'),
    ];
    expect(rules.cycleRule(cycle)).toHaveLength(1);
    expect(rules.cycleRule(cycle.slice(0, 2))).toEqual([]);
  });

  it("a folder of more than twenty files", () => {
    const many = Array.from({ length: 20 }, (_, place) => file(`src/thread/${place}.ts`));
    expect(rules.folderSizeRule([...many, file("src/thread/a.test.ts"), file("src/thread/rows/a.ts")])).toEqual([]);
    expect(rules.folderSizeRule([...many, file("src/thread/a.ts")])).toHaveLength(1);
  });

  it.each([
    ["the page importing code of the server", "src/web/main.ts", 'import { run } from "../protocol/run.ts";'],
    [
      "the page importing a type from outside src/protocol",
      "src/web/main.ts",
      'import type { Env } from "../config.ts";',
    ],
    [
      "the evaluation importing a room that makes no request",
      "dev/eval/a.ts",
      'import { a } from "../../src/store/a.ts";',
    ],
    ["a program of dev importing the server", "dev/ask.ts", 'import { logError } from "../src/lib/log.ts";'],
  ])("%s", (_what, path, text) => {
    expect(rules.outsideRule([file(path, text)])).toHaveLength(1);
  });

  it.each([
    ["src/thread/run/run.ts", "hono"],
    ["src/thread/run/run.ts", "@hono/zod-openapi"],
    ["src/http/routes/runs.ts", "drizzle-orm/d1"],
    ["src/agent/loop.ts", "openai"],
    ["src/agent/loop.ts", "openai/streaming"],
    ["src/tools/shell.ts", "@daytonaio/sdk"],
    ["src/app.ts", "cloudflare:workers"],
  ])("%s importing %s", (path, specifier) => {
    expect(rules.packageRule([file(path, `import { x } from "${specifier}";`)])).toHaveLength(1);
  });

  it("an import of the environment outside its rooms", () => {
    const text = 'import { type Env, readConfig } from "../config.ts";';
    expect(rules.environmentRule([file("src/agent/loop.ts", text)])).toHaveLength(1);
    expect(rules.environmentRule([file("src/models/chat/model.ts", "let e: Cloudflare.Env;")])).toHaveLength(1);
    expect(rules.environmentRule([file("src/thread/object.ts", text)])).toEqual([]);
  });

  it("a file that is too long", () => {
    expect(rules.sizeRule([file("dev/long.ts", "x\n".repeat(601))])).toHaveLength(1);
    expect(rules.sizeRule([file("dev/long.ts", "x\n".repeat(600))])).toEqual([]);
  });

  it("a tool that its folder's index does not register", () => {
    const folder = [
      file("src/tools/index.ts", 'import { shell } from "./shell.ts";'),
      file("src/tools/shell.ts", 'import { cut } from "./cut.ts";'),
      file("src/tools/cut.ts"),
      file("src/tools/shell.test.ts"),
    ];
    expect(rules.registrationRule(folder)).toEqual([]);
    expect(rules.registrationRule([...folder, file("src/tools/forgotten.ts")])).toHaveLength(1);
  });

  it("a default export", () => {
    expect(rules.defaultExportRule([file("src/agent/loop.ts", "export default 1;")])).toHaveLength(1);
    expect(rules.defaultExportRule([file("src/agent/loop.ts", "export { a as default };")])).toHaveLength(1);
    expect(rules.defaultExportRule([file("src/thread/a-worker.ts", "export default {};")])).toHaveLength(1);
    expect(rules.defaultExportRule([file("src/index.ts", "export default {};")])).toEqual([]);
    expect(rules.defaultExportRule([file("test/e2e/a-worker.ts", "export default {};")])).toEqual([]);
  });

  it("a file of the server that names a stand-in", () => {
    expect(rules.standInRule([file("src/models/chat/model.ts", "// the scripted model")])).toHaveLength(1);
    expect(rules.standInRule([file("src/models/chat/model.ts", "// see dev/model")])).toHaveLength(1);
    expect(rules.standInRule([file("src/models/chat/model.ts", 'import("../../dev/model/server.ts")')])).toHaveLength(
      1,
    );
    expect(rules.standInRule([file("src/sandboxes/x.ts", "2>/dev/null")])).toEqual([]);
  });

  it("a file that names a sandbox provider outside its folder", () => {
    const named = "// Daytona's word for it";
    for (const path of ["src/projects/sandbox.ts", "src/projects/a.test.ts", "src/web/app/words.ts"]) {
      expect(rules.providerRule([file(path, named)])).toHaveLength(1);
      expect(rules.providerRule([file(path, 'headers.set("x-daytona-token", token)')])).toHaveLength(1);
    }
    for (const path of ["src/sandboxes/daytona/a.ts", "src/sandboxes/index.ts", "src/config.ts", "dev/daytona/a.ts"]) {
      expect(rules.providerRule([file(path, named)])).toEqual([]);
    }
    expect(rules.providerRule([file("src/web/app/words.ts", '"Set DAYTONA_API_KEY."')])).toEqual([]);
    expect(rules.providerRule([file("src/http/workspace.ts", '"Set DAYTONA_API_KEY."')])).toHaveLength(1);
    expect(rules.providerRule([file("src/thread/a.ts", "config.daytona")])).toHaveLength(1);
  });

  it("a file that names any provider of the table, such as another provider's folder", () => {
    const folders = { daytona: "src/sandboxes/daytona/", boxes: "src/sandboxes/boxes/" };
    const find = (path: string, text: string) => rules.providerRule([file(path, text)], folders);
    expect(find("src/sandboxes/boxes/provider.test.ts", '"DAYTONA_API_KEY"')).toHaveLength(1);
    expect(find("src/sandboxes/daytona/provider.ts", "// as Boxes does")).toHaveLength(1);
    expect(find("src/sandboxes/boxes/provider.ts", "createBoxesProvider")).toEqual([]);
    expect(find("src/sandboxes/index.test.ts", "{ BOXES_API_KEY, DAYTONA_API_KEY }")).toEqual([]);
    for (const text of ["config.boxes", "createBoxesProvider", "boxesOf(a)", "BOXES_URL", '"x-boxes-id"', "a_boxes"]) {
      expect(find("src/projects/a.ts", text)).toHaveLength(1);
    }
  });

  it("no provider in a longer word or in the name of an example's host", () => {
    const find = (text: string) => rules.providerRule([file("src/a.ts", text)], { boxes: "src/sandboxes/boxes/" });
    for (const text of ["sandboxes", "checkboxes", "SANDBOXES", "boxesque", "https://boxes.example/box-1"]) {
      expect(find(text)).toEqual([]);
    }
  });

  it("no setting of a provider on the page, even if the name has a digit", () => {
    const find = (text: string) =>
      rules.providerRule([file("src/web/app/words.ts", text)], { e2b: "src/sandboxes/e2b/" });
    expect(find('"Set E2B_API_KEY."')).toEqual([]);
    expect(find("createE2BProvider")).toHaveLength(1);
  });

  it("a file of the thread that names a mirror", () => {
    const knows = (text: string) => rules.mirrorRule([file("src/thread/follow/followers.ts", text)]);
    expect(knows('import { nextStep } from "../../slack/show/show.ts";')).toHaveLength(1);
    expect(knows("// as Slack has it")).toHaveLength(1);
    expect(rules.mirrorRule([file("src/mirrors.ts", 'import { a } from "./slack/mirror.ts";')])).toEqual([]);
    expect(rules.mirrorRule([file("src/thread/follow/followers.test.ts", "// in Slack")])).toEqual([]);
  });

  it("a folder or file whose name says nothing", () => {
    expect(
      rules.folderNameRule([file("src/utils/x.ts"), file("dev/helpers.ts"), file("src/http/base/x.ts")]),
    ).toHaveLength(3);
    expect(rules.folderNameRule([file("src/store/database.ts")])).toEqual([]);
  });
});
