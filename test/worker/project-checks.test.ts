// The parser of a project's checks, in workerd: it is loaded when it is first needed.
import { expect, it } from "vitest";
import { readProjectFile } from "../../src/agent/checks/project/file.ts";

it("a project's checks are read, and a bomb is refused, in the Worker's own runtime", async () => {
  const text = "version: 1\ntest: npm test\nchecks:\n  - {always: true, type: file, path: README.md}\n";
  expect(await readProjectFile(text, "shop")).toMatchObject({ ok: true, checks: [{ paths: ["**"] }, { paths: null }] });
  for (const bad of [`a: ${"[".repeat(60_000)}`, "a: &x [*x, *x]", "a: !!js/function 'x'"])
    expect(await readProjectFile(bad, "shop")).toMatchObject({ ok: false });
});
