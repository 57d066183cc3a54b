import { describe, expect, it } from "vitest";
import { hashOf } from "../../../../test/fakes/check-place.ts";
import { CheckWorld, turn, want } from "../../../../test/fakes/check-world.ts";
import { command, untilAbort } from "../../../../test/fakes/checks-wanted.ts";
import { replaceMethods } from "../../../lib/replace-methods.ts";
import type { CheckInput } from "../../../protocol/plan/check.ts";
import { SandboxError } from "../../sandbox.ts";
import type { CheckPlace } from "../place.ts";

describe("a run of checks", () => {
  it("returns a receipt for each, in their order, and runs equal ones once", async () => {
    const world = new CheckWorld();
    world.place.deeds.set("npm test", { output: "3 passed\n" });
    const specs = [command("npm test"), { type: "file", path: "a.txt" } as const, command("npm test")];
    const receipts = await world.run(specs);
    expect(receipts.map(({ task_id, check_id, outcome }) => [task_id, check_id, outcome])).toEqual([
      ["task_0", "check_0", "passed"],
      ["task_1", "check_1", "passed"],
      ["task_2", "check_2", "passed"],
    ]);
    expect(world.place.started).toEqual(["npm test"]);
    expect(new Set(receipts.map(({ receipt_id }) => receipt_id)).size).toBe(3);
    expect(world.receipts).toEqual(receipts);
    expect(receipts[0]).toMatchObject({
      ...{
        exit_code: 0,
        output_head: "3 passed\n",
        output_tail: "",
        output_bytes: 9,
        output_hash: hashOf("3 passed\n"),
      },
      ...{ invocation_id: "run_1", author: "person", reason: "`npm test` exited with 0." },
    });
    expect(receipts[1]).toMatchObject({ tree: hashOf("a"), output_hash: null, exit_code: null });
  });

  it("looks side by side, at most four at once, and runs commands one after another behind that", async () => {
    const world = new CheckWorld();
    const open = new Set<string>();
    let most = 0;
    world.place.onCall = async (name) => {
      if (!name.startsWith("read ") && !name.startsWith("run ")) return;
      open.add(name);
      most = Math.max(most, open.size);
      if (name.startsWith("run ")) expect(open.size).toBe(1);
      await turn();
      open.delete(name);
    };
    const files = [1, 2, 3, 4, 5, 6].map((at): CheckInput => ({ type: "file", path: `${at}.txt` }));
    await world.run([command("one"), ...files, command("two")]);
    expect(most).toBe(4);
    expect(world.place.calls.filter((name) => /^r(?:un|ead) /.test(name)).slice(-2)).toEqual(["run one", "run two"]);
  });

  it("has one limit for all: what has no time left has not run, and says so", async () => {
    const world = new CheckWorld();
    world.place.deeds.set("slow", { hangs: true });
    const running = world.run([command("slow", { timeout_seconds: 300 }), command("next")], {}, 60_000);
    const receipts = await world.drive(running);
    expect(receipts.map(({ outcome }) => outcome)).toEqual(["not_run", "not_run"]);
    for (const { reason } of receipts) expect(reason).toMatch(/no time left/);
    expect(world.place.running).toEqual([]);
    expect(world.place.started).toEqual(["slow"]);
  });

  it("looks at the files after a command that took all of the time", async () => {
    const world = new CheckWorld();
    world.place.deeds.set("npm test", {});
    world.place.onCall = async (name) => {
      if (name.startsWith("run ")) world.now += 59_000;
      if (name === "readTree" && world.now > 0) world.advanceTo(world.now + 5_000);
    };
    const wanted = [want(command("npm test"), 0, { protected: [{ path: "a.txt", hash: hashOf("a") }] })];
    const receipts = await world.runner().run(wanted, { call_id: "call_1", budget_ms: 60_000 });
    expect(receipts[0]).toMatchObject({ outcome: "passed", duration_ms: 64_000 });
    expect(world.place.calls.at(-1)).toBe("match");
  });

  it("does not run what needs a person's approval, and names the file that has changed since", async () => {
    const world = new CheckWorld();
    for (const name of ["npm test", "make", "npm start", "ls"]) world.place.deeds.set(name, {});
    const now = [{ path: "a.txt", hash: hashOf("a") }];
    const wanted = [
      { ...want(command("npm test"), 0), needs: [{ path: "a.txt", hash: hashOf("b") }] },
      { ...want(command("make"), 1), needs: null },
      { ...want(command("npm start"), 2), needs: now },
      { ...want(command("ls"), 3), needs: [] },
      // The same text without approval, beside one that has it.
      { ...want(command("npm start"), 4), needs: null },
    ];
    const receipts = await world.runner().run(wanted.slice(0, 4), { call_id: "call_1", budget_ms: 60_000 });
    expect(receipts.map(({ outcome }) => outcome)).toEqual(["not_run", "not_run", "passed", "passed"]);
    expect(receipts[0]?.reason).toBe('It waits for a person: "a.txt" has changed since they approved its command.');
    expect(world.place.started).toEqual(["npm start", "ls"]);
    const both = await world.runner().run(wanted.slice(2), { call_id: "call_2", budget_ms: 60_000 });
    expect(both.map(({ outcome }) => outcome)).toEqual(["not_run", "passed", "not_run"]);
  });

  it("ends a command at its own limit, which is a failure", async () => {
    const world = new CheckWorld();
    world.place.deeds.set("slow", { hangs: true, output: "working\n" });
    const running = world.run([command("slow", { timeout_seconds: 5 }), { type: "file", path: "a.txt" }]);
    const [slow, file] = await world.drive(running);
    expect(slow).toMatchObject({ outcome: "failed", exit_code: null, duration_ms: 5_000 });
    expect(slow?.reason).toBe('`slow` had not ended after 5 seconds. Its last line: "working"');
    expect(file?.outcome).toBe("passed");
  });

  it("never passes what needs a sandbox that is not there", async () => {
    const specs: CheckInput[] = [
      ...[command("true"), { type: "file", path: "a" } as const, { type: "git", clean: true } as const],
      { type: "http", port: 80 },
      { type: "person", question: "ok?" },
    ];
    for (const code of ["unavailable", "quota_exceeded", "failed"] as const) {
      const world = new CheckWorld();
      world.place.broken = new SandboxError(code, "The sandbox is gone.");
      const receipts = await world.run(specs);
      expect(receipts.map(({ outcome }) => outcome)).toEqual(specs.map(() => "not_run"));
      expect(receipts.slice(1, 4).map(({ reason }) => reason)).toEqual(Array(3).fill("The sandbox is gone."));
      expect(receipts[4]?.reason).toBe("It waits for a person.");
    }
    const none = await new CheckWorld().run(specs, { place: undefined });
    expect(new Set(none.map(({ outcome }) => outcome))).toEqual(new Set(["not_run"]));
  });

  it("fails a command that changed files, and names them", async () => {
    const world = new CheckWorld();
    world.place.deeds.set("npm test", { writes: { "a.txt": "other", "made.txt": "x" } });
    world.place.deeds.set("then", {});
    const [test, then] = await world.run([command("npm test"), command("then")]);
    expect(test).toMatchObject({ outcome: "failed", changed_files: ["a.txt", "made.txt"], exit_code: 0 });
    expect(test?.reason).toMatch(/^While it ran, "a.txt", "made.txt" changed\./);
    expect(then?.outcome).toBe("passed");
    expect(then?.tree).not.toBe(test?.tree);
  });

  it("fails one that also forged the tree of its start", async () => {
    const world = new CheckWorld();
    world.place.deeds.set("npm test", { writes: { "a.txt": "other" } });
    const { signal } = new AbortController();
    const forging = replaceMethods<CheckPlace>(world.place, {
      runCommand: async (given, end) => ({
        ...(await world.place.runCommand(given, end)),
        tree: await world.place.readTree(signal),
      }),
    });
    const [receipt] = await world.run([command("npm test")], { place: forging });
    expect(receipt).toMatchObject({ outcome: "failed", changed_files: ["a.txt"] });
  });

  it("has not run a command if the files can't be compared", async () => {
    for (const refused of [1, 2]) {
      const world = new CheckWorld();
      world.place.deeds.set("npm test", {});
      let count = 0;
      world.place.onCall = async (name) => {
        if (name === "readTree" && ++count >= refused) throw new SandboxError("failed", "The sandbox lacks sha256sum.");
      };
      const receipt = await world.see(command("npm test"));
      expect(receipt).toMatchObject({ outcome: "not_run", reason: expect.stringContaining("lacks sha256sum") });
      expect(world.place.started).toHaveLength(refused - 1);
    }
  });

  it("names protected files that are not as they were", async () => {
    const world = new CheckWorld();
    world.place.files.set("test.js", "asserts");
    world.place.deeds.set("npm test", {});
    const files = [
      { path: "test.js", hash: hashOf("asserts") },
      { path: "none.js", hash: null },
    ];
    const wanted = [want(command("npm test"), 0, { protected: files })];
    const see = async () => (await world.runner().run(wanted, { call_id: `call_${world.now++}`, budget_ms: 9_000 }))[0];
    expect(await see()).not.toHaveProperty("altered_files");
    world.place.files.set("test.js", "asserts nothing");
    expect(await see()).toMatchObject({ outcome: "passed", altered_files: ["test.js"] });
    world.place.files.set("test.js", "asserts").set("none.js", "");
    expect(await see()).toMatchObject({ altered_files: ["none.js"] });
    world.place.files.delete("none.js");
    world.place.onCall = async (name) => {
      if (name.startsWith("run")) world.place.moment = "after it was changed and changed back";
    };
    expect(await see()).toMatchObject({ outcome: "passed", altered_files: ["test.js", "none.js"] });
    world.place.onCall = async (name) => {
      if (name === "match") throw new SandboxError("failed", "No.");
    };
    expect(await see()).toMatchObject({ outcome: "not_run", reason: "Its protected files can't be read: No." });
  });

  it("names what of a protected folder is not as it was, and says where an entry protects nothing", async () => {
    const world = new CheckWorld();
    world.place.files.set("test/a.js", "1").set("test/deep/b.js", "2");
    world.place.deeds.set("npm test", {});
    const see = async (entries: string[]) => {
      const spec = command("npm test", { protected: entries });
      const known = await world.runner().hashProtected(entries);
      const wanted = [want(spec, 0, { protected: entries.map((path) => known.get(path) ?? { path, hash: null }) })];
      return async () => (await world.runner().run(wanted, { call_id: `call_${world.now++}`, budget_ms: 9_000 }))[0];
    };
    const again = await see(["test/", "test/**/*.js"]);
    expect(await again()).toMatchObject({ outcome: "passed", reason: "`npm test` exited with 0." });
    expect(await again()).not.toHaveProperty("altered_files");
    world.place.files.set("test/new.json", "");
    expect(await again()).toMatchObject({ outcome: "passed", altered_files: ["test/"] });
    world.place.files.set("test/a.js", "3");
    expect(await again()).toMatchObject({ altered_files: ["test/", "test/**/*.js"] });
    world.place.files.clear();
    expect(await again()).toMatchObject({ altered_files: ["test/", "test/**/*.js"] });
    expect(await (await see(["tset/"]))()).toMatchObject({
      outcome: "passed",
      reason: '`npm test` exited with 0. This is not verified: "tset/" in protected matches no file.',
    });
  });

  it("starts a program, asks it, and ends it", async () => {
    const world = new CheckWorld();
    world.place.deeds.set("npm start", { hangs: true, serves: { "/api": { body: '{"items":[{"price":3}]}' } } });
    const spec: CheckInput = {
      ...{ type: "http", port: 3000, path: "/api", start: { run: "npm start" } },
      json: { path: "items.0.price", equals: 3 },
    };
    const [one, other] = await world.run([spec, { ...spec, path: "/none" }]);
    expect(one).toMatchObject({ outcome: "passed", reason: "GET :3000/api answered 200." });
    expect(other).toMatchObject({ outcome: "failed", output_head: "no such page" });
    expect(other?.reason).toBe('GET :3000/none answered 404, not 200. The answer: "no such page"');
    expect(world.place.running).toEqual([]);
    expect(world.place.started).toHaveLength(2);
  });

  it("fails a program that does not start, and one beside another on its port", async () => {
    const world = new CheckWorld();
    world.place.deeds.set("broken", { exit_code: 1, output: "no module\n" });
    const start = (run: string, port: number): CheckInput => ({ type: "http", port, start: { run, wait_seconds: 2 } });
    expect(await world.see(start("broken", 1))).toMatchObject({
      ...{ outcome: "failed", reason: expect.stringContaining("no module") },
    });
    world.place.deeds.set("serve", { hangs: true, serves: {} });
    const { signal } = new AbortController();
    const own = { command_id: "own", run: "serve", cwd: null, time_limit_ms: 1, port: 5 };
    await world.place.startProgram(own, signal);
    expect(await world.see(start("other", 5))).toMatchObject({
      ...{ outcome: "failed", reason: expect.stringContaining("already listens") },
    });
    expect(world.place.running).toEqual(["own"]);
  });

  it("asks a public address from here, also without a sandbox", async () => {
    const world = new CheckWorld();
    const url = "https://example.com/";
    const spec: CheckInput = { type: "http", url, contains: "Hello" };
    expect((await world.run([spec], { place: undefined }))[0]?.outcome).toBe("failed");
    world.addresses.set(url, { ok: true, status: 200, body: "Hello", body_bytes: 5, body_hash: "x" });
    expect((await world.run([spec], { place: undefined }))[0]).toMatchObject({ outcome: "passed", tree: null });
    world.addresses.set(url, { ok: false, refused: true, message: "It is private." });
    expect((await world.run([spec]))[0]).toMatchObject({ outcome: "not_run", reason: "It is private." });
    let isAsked = false;
    const fetchPublic = (_: string, signal: AbortSignal) => {
      isAsked = true;
      return untilAbort(signal);
    };
    const silent = world.run([spec], { fetchPublic }, 30_000);
    await world.until(() => isAsked);
    world.advanceTo(30_000);
    expect((await silent)[0]).toMatchObject({ outcome: "not_run", reason: expect.stringContaining("no time left") });
  });

  it("asks one address once for all checks of it, and once more in the next run", async () => {
    const world = new CheckWorld();
    const asked: string[] = [];
    const fetchPublic = async (url: string) => {
      asked.push(url);
      return { ok: true as const, status: 200, body: "Hello 7", body_bytes: 7, body_hash: "x" };
    };
    const specs = Array.from({ length: 50 }, (_, at): CheckInput => {
      return { type: "http", url: `https://example.com/${at % 2}`, contains: `Hello ${at}` };
    });
    const outcomes = (await world.run(specs, { fetchPublic })).map(({ outcome }) => outcome);
    expect(outcomes.filter((outcome) => outcome === "passed")).toHaveLength(1);
    expect(asked.sort()).toEqual(["https://example.com/0", "https://example.com/1"]);
    await world.run(specs, { fetchPublic });
    expect(asked).toHaveLength(4);
  });
});

describe("the tree", () => {
  it("is null where nothing can be said of it", async () => {
    const world = new CheckWorld();
    expect(await world.runner().readTree()).toMatch(/^[0-9a-f]{64}$/);
    expect(await world.runner({ place: undefined }).readTree()).toBeNull();
    world.place.broken = new SandboxError("unavailable", "gone");
    expect(await world.runner().readTree()).toBeNull();
  });

  it("is not read for checks of files alone", async () => {
    const world = new CheckWorld();
    await world.run([{ type: "file", path: "a.txt" }]);
    expect(world.place.calls).toEqual(["read a.txt"]);
  });
});
