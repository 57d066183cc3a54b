import { describe, expect, it } from "vitest";
import { processorTime } from "../../../../test/fakes/processor-time.ts";
import { PROJECT_FILE, type ReadFile, readProjectFile } from "./file.ts";
import { findGlobFault, matchesAny } from "./globs.ts";

const read = (text: string, folder = "shop") => readProjectFile(text, folder);
const why = (file: ReadFile) => (file.ok ? "it was read" : file.message.replace(`${PROJECT_FILE} is not used: `, ""));

describe("a project's file of checks", () => {
  it("has commands, checks for each task, and checks by path, which speak of the checkout", async () => {
    const text = `
version: 1
build: npm run build
test: {run: npm test, contains: 0 failed, protected: [test/cart.test.ts], timeout_seconds: 200}
lint: npm run lint
checks:
  # Only where it is about the API.
  - paths: ["api/**", package.json]
    run: npm run contract
    cwd: api
  - always: true
    type: file
    path: README.md
    contains: "Cart"
  - paths: [web/**]
    type: http
    port: 3000
    start: {run: npm start}
  - always: true
    type: git
    clean: true
`;
    const file = await read(text);
    expect(file).toEqual({
      ok: true,
      checks: [
        { spec: { type: "command", run: "npm run build", cwd: "shop" }, paths: ["**"] },
        { spec: { type: "command", run: "npm run lint", cwd: "shop" }, paths: ["**"] },
        {
          spec: {
            ...{ type: "command", run: "npm test", cwd: "shop", contains: "0 failed", timeout_seconds: 200 },
            protected: ["shop/test/cart.test.ts"],
          },
          paths: ["**"],
        },
        { spec: { type: "command", run: "npm run contract", cwd: "shop/api" }, paths: ["api/**", "package.json"] },
        { spec: { type: "file", path: "shop/README.md", contains: "Cart" }, paths: null },
        { spec: { type: "http", port: 3000, start: { run: "npm start", cwd: "shop" } }, paths: ["web/**"] },
        { spec: { type: "git", clean: true, cwd: "shop" }, paths: null },
      ],
    });
  });

  it("is refused in plain words, whatever is wrong with it", async () => {
    const version = "version: 1\n";
    for (const [text, words] of [
      ["", "it is empty."],
      ["test: npm test", "version: "],
      ["version: 2", "version: "],
      ["- a", "expected object"],
      [`${version}tests: npm test`, 'Unrecognized key: "tests"'],
      [`${version}test: npm test\ntest: true`, "duplicated mapping key"],
      [`${version}test: [npm, test]`, "test: "],
      [`${version}test: "  "`, "its command is empty"],
      [`${version}checks:\n  - run: npm test`, "checks[0] needs either paths, a list of globs, or always: true"],
      [`${version}checks:\n  - {run: a, always: true, paths: [a]}`, "checks[0] needs either"],
      [`${version}checks:\n  - {run: a, always: false}`, "checks[0] needs either"],
      [`${version}checks:\n  - {run: a, paths: [../x]}`, 'the path "../x" leads out of the checkout'],
      [`${version}checks:\n  - {run: a, paths: ["[a"]}`, "has a sign that is not supported"],
      [`${version}checks:\n  - {type: file, path: ../../etc/passwd, always: true}`, "is outside of the project"],
      [`${version}checks:\n  - {type: shell, always: true}`, "checks[0]: "],
      [`${version}checks:\n  - {type: http, url: "http://169.254.169.254/", always: true}`, "url "],
      [`${version}checks:\n${"  - {run: a, always: true}\n".repeat(17)}`, "it has 17 checks, more than 16"],
      [`${version}a: &x 1\nb: *x`, "an anchor or an alias"],
      [`${version}a: *x`, "an anchor or an alias"],
      [`${version}<<: {test: npm test}`, 'Unrecognized key: "<<"'],
      [`${version}__proto__: {test: npm test}`, 'Unrecognized key: "__proto__"'],
      [`${version}test: !!js/function 'x'`, "it has a tag (!)"],
      [`${version}test: !!str npm test`, "it has a tag (!)"],
      [`${version}---\nversion: 1`, "it has more than one document"],
      [`${version}test: "npm`, "it is no YAML that can be read"],
      [`${version}test:\n\tnpm: 1`, "it is no YAML that can be read"],
      [`x: ${"[".repeat(60_000)}`, "maxDepth"],
      [`${"- ".repeat(30_000)}a`, "maxDepth"],
      ["a".repeat(64 * 1024 + 1), "it has 65537 bytes, more than 65536"],
      ["\0", "it is no YAML that can be read"],
    ] as const) {
      const message = why(await read(text));
      expect(message, text.slice(0, 60)).toContain(words);
      expect(message.length).toBeLessThan(600);
    }
  });

  it("is refused before a bomb goes off: nine levels of aliases, a megabyte of brackets", async () => {
    const levels = Array.from({ length: 9 }, (_, at) => `l${at}: &l${at} [${Array(9).fill(at ? `*l${at - 1}` : "x")}]`);
    expect(why(await read(levels.join("\n")))).toContain("an anchor or an alias");
    expect(why(await read("[".repeat(1_048_576)))).toContain("1048576 bytes");
  });

  it("in the work dir itself speaks of the work dir", async () => {
    const file = await read("version: 1\nchecks:\n  - {type: file, path: a, always: true}\ntest: make", "");
    expect(file).toMatchObject({ ok: true, checks: [{ spec: { run: "make" } }, { spec: { path: "a" } }] });
    expect(file.ok && file.checks[0]?.spec).not.toHaveProperty("cwd");
  });
});

it("a project's file is refused at once if it would take long to read", async () => {
  const long = '"((((){1000}){1000}){1000}){1000}"';
  expect(why(await read(`version: 1\ntest: {run: a, matches: ${long}}`))).toMatch(/matches is too long when/);
  const checks = Array.from(
    { length: 16 },
    (_, at) => `  - {always: true, run: a, matches: "${"ab?".repeat(300)}${at}{900}"}`,
  );
  expect(await processorTime(() => read(`version: 1\nchecks:\n${checks.join("\n")}`))).toBeLessThan(1_000);
});

describe("globs", () => {
  const all = ["shop/server.js", "shop/web/index.html", "README.md", "a+b/c.ts", "任务/一.ts"];
  it.each([
    ["**", all],
    ["shop/**", ["shop/server.js", "shop/web/index.html"]],
    ["shop/", ["shop/server.js", "shop/web/index.html"]],
    ["shop/*", ["shop/server.js"]],
    ["**/*.html", ["shop/web/index.html"]],
    ["*.md", ["README.md"]],
    ["a+b/*.t?", ["a+b/c.ts"]],
    ["任务/*", ["任务/一.ts"]],
    ["shop", []],
    ["./README.md", ["README.md"]],
  ])("%s", (glob, matched) => {
    expect(findGlobFault(glob)).toBeNull();
    expect(all.filter((file) => matchesAny([glob], [file]))).toEqual(matched);
  });

  it.each(["src**", "**.ts", "[a]", "../a", "/a"])("%s is refused", (glob) => {
    expect(findGlobFault(glob)).not.toBeNull();
  });

  it("are matched at once; what would take longer may match", async () => {
    const globs = Array.from({ length: 20 }, (_, at) => `${"*a".repeat(98)}*${at}`);
    const files = Array.from({ length: 100 }, (_, at) => `${"a".repeat(200)}/`.repeat(20) + at);
    let found = false;
    const work = () => {
      found = matchesAny(globs, files);
    };
    expect(await processorTime(work)).toBeLessThan(500);
    expect(found).toBe(true);
    expect(matchesAny(globs, ["b"])).toBe(false);
  });
});
