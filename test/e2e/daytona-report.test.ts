// `npm run contract` as an operator runs it, on the stand-in in place of a real Daytona.
import { execFile } from "node:child_process";
import { afterAll, beforeAll, expect, it } from "vitest";
import { apiKey, type Fixture, startFixture } from "./daytona-fixture.ts";

let fixture: Fixture;
beforeAll(async () => {
  fixture = await startFixture({ apiKey });
});
afterAll(() => fixture.dispose());

function runContract(args: string[], env: Record<string, string>): Promise<{ code: number; out: string; err: string }> {
  const main = `${import.meta.dirname}/../contract/sandbox/main.ts`;
  const options = { env: { ...process.env, DAYTONA_API_KEY: "", ...env }, maxBuffer: 16 * 1024 * 1024 };
  return new Promise((resolve) => {
    execFile(process.execPath, ["--disable-warning=ExperimentalWarning", main, ...args], options, (error, out, err) =>
      resolve({ code: typeof error?.code === "number" ? error.code : 0, out, err }),
    );
  });
}

it("the contract runs on any Daytona, prints a table, and leaves nothing behind", async () => {
  const args = ["--url", fixture.server.apiUrl, "--target", "local", "--only", "a new sandbox"];
  const { code, out, err } = await runContract(args, { DAYTONA_API_KEY: apiKey });
  expect(code, err).toBe(0);
  expect(out).toMatch(
    /^\| part \| passed \| failed \| skipped \|\n\|---\|---\|---\|---\|\n\| life \| 7 \| 0 \| 0 \|\n/,
  );
  expect(out + err).not.toContain(apiKey);
  for await (const left of fixture.client.list({})) expect.unreachable(left.name);
});

it("the contract needs an address and a key", async () => {
  const { code, err } = await runContract([], {});
  expect(code).toBe(2);
  expect(err).toContain("usage: npm run contract -- --url");
});
