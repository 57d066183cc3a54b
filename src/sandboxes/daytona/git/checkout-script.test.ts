import { execFileSync } from "node:child_process";
import { existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, expect, it } from "vitest";
import { cloneTarget, readCheckoutState, writeClaim, writeRelease } from "./checkout-script.ts";

const root = mkdtempSync(join(tmpdir(), "taskloom-checkout-"));
afterAll(() => rmSync(root, { recursive: true, force: true }));

it("a thread that gets the claim just after another one has finished makes no second clone", () => {
  const target = cloneTarget(join(root, "shop"), "second");
  // The other thread finishes between this one's first look and its claim.
  mkdirSync(join(root, "bin"));
  const finish = `[ "$#" -ne 1 ] || /bin/mkdir -p '${target.path}/.git'`;
  writeFileSync(join(root, "bin/mkdir"), `#!/bin/sh\n${finish}\nexec /bin/mkdir "$@"\n`, { mode: 0o755 });
  const env = { ...process.env, PATH: `${join(root, "bin")}:${process.env.PATH}` };
  const run = (command: string) => execFileSync("sh", ["-c", command], { env, encoding: "utf8" });
  try {
    expect(readCheckoutState(run(writeClaim(target)))).toMatchObject({ kind: "there" });
    rmSync(target.path, { recursive: true });
    rmSync(join(root, "bin/mkdir"));
    // The claim is free.
    expect(readCheckoutState(run(writeClaim(target)))).toEqual({ kind: "claimed" });
  } finally {
    run(writeRelease(target));
  }
  expect(existsSync(target.draft)).toBe(false);
});
