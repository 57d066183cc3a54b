// Checks that want what is not theirs: secrets, what never ends, what is too deep, and ports of the sandbox itself.
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { CheckPlace } from "../../src/agent/checks/place.ts";
import type { CheckInput } from "../../src/protocol/plan/check.ts";
import { createDaytonaSandbox } from "../../src/sandboxes/daytona/sandbox.ts";
import { labels } from "../contract/sandbox-port/fixture.ts";
import { runChecks } from "./check-runner.ts";
import { untilEnd } from "./daytona-adapter.ts";
import { apiKey, type Fixture, startFixture } from "./daytona-fixture.ts";

const SECRET = "sk_live_canary_0123456789";

let fixture: Fixture;
let place: CheckPlace;
let run: (command: string) => Promise<string>;
let count = 0;

beforeAll(async () => {
  fixture = await startFixture({ apiKey });
  const sandbox = createDaytonaSandbox({
    ...{ api_key: apiKey, api_url: fixture.server.apiUrl, target: "local", snapshot: null, name: "hostile", labels },
    secrets: { read: async () => [{ name: "TOKEN", value: SECRET, hosts: [], kept_as: null }] },
  });
  if (sandbox.checks === undefined) throw new Error("no place");
  place = sandbox.checks;
  run = async (line) =>
    (await place.runCommand({ command_id: `own_${++count}`, run: line, cwd: null, time_limit_ms: 20_000 }, untilEnd()))
      .output_head;
});
afterAll(() => fixture.dispose());

const look = (...specs: CheckInput[]) => runChecks(place, specs);

describe("a hostile check", () => {
  it("reads no secret out of a file, an answer or an output, whatever it asks of it", async () => {
    await run(`printf 'KEY=%s\\n' "$TOKEN" > env.txt; printf '{"key":"%s"}' "$TOKEN" > key.json`);
    const serve = `exec node -e 'require("http").createServer((q, a) => a.end(process.env.TOKEN)).listen(8461)'`;
    const receipts = await look(
      { type: "file", path: "env.txt", excludes: "KEY=" },
      { type: "file", path: "key.json", json: { path: "key", equals: "x" } },
      { type: "http", port: 8461, status: 201, start: { run: serve } },
      { type: "command", run: 'printf "%.12s" "$TOKEN"; sleep 0.1; printf %s "$TOKEN" | cut -c 13-; exit 3' },
      { type: "command", run: 'touch "$TOKEN"' },
      { type: "http", port: 8462, start: { run: 'echo "$TOKEN" >&2; exit 1', wait_seconds: 5 } },
    );
    expect(receipts.map(({ outcome }) => outcome)).toEqual(Array(6).fill("failed"));
    expect(JSON.stringify(receipts)).not.toContain("canary");
    // What is hidden makes a text shorter, and not one of which a part is missing.
    const [found] = await look({ type: "file", path: "key.json", json: { path: "key" }, excludes: "none" });
    expect(found?.outcome).toBe("passed");
    await run('rm -f -- "$TOKEN" env.txt key.json');
  });

  it("does not wait for what never ends: pipes, devices, and what links to them", async () => {
    await run(
      "mkfifo pipe; ln -s /dev/zero zero; ln -s pipe to-pipe; ln -s /proc/kmsg kernel; ln -s loop loop; mkdir folder",
    );
    const paths = ["pipe", "zero", "to-pipe", "loop", "folder", "/dev/zero", "/dev/stdin", "/proc/kmsg"];
    const receipts = await look(...paths.map((path): CheckInput => ({ type: "file", path })));
    for (const { outcome, reason } of receipts) expect([reason, outcome]).not.toEqual([reason, "passed"]);
    await run("rm -rf pipe zero to-pipe kernel loop folder");
  });

  it("is judged where its text is deep JSON or has strange names", async () => {
    await run(
      `node -e 'const deep = "[".repeat(400000) + "]".repeat(400000); require("fs").writeFileSync("deep.json", deep); require("fs").writeFileSync("in.json", "{\\"a\\":" + deep + "}")'`,
    );
    const name = "two\nlines end";
    await run(`printf x > "$(printf 'two\\nlines end')"`);
    const [deep, inner, whole, named] = await look(
      { type: "file", path: "deep.json", json: { path: "0.0", equals: 1 } },
      { type: "file", path: "in.json", json: { path: "a", equals: "x" } },
      { type: "file", path: "deep.json", json: { path: ".", min_items: 1 } },
      { type: "file", path: name, contains: "x" },
    );
    expect([deep?.outcome, inner?.outcome, whole?.outcome, named?.outcome]).toEqual([
      "failed",
      "failed",
      "passed",
      "passed",
    ]);
  });

  it("asks no port of the sandbox itself", async () => {
    const ports = [2280, 22220, 22222, 33333];
    const receipts = await look(...ports.map((port): CheckInput => ({ type: "http", port })));
    for (const { outcome, reason } of receipts)
      expect([outcome, reason]).toEqual(["failed", expect.stringContaining("belongs to the sandbox")]);
  });
});
