// Files of the commit that the server cloned for a person, on the Daytona-compatible server: nothing that happens in the
// sandbox after the clone changes what is read.
import { createHash } from "node:crypto";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { createDaytonaSandbox, type DaytonaSandbox } from "../../src/sandboxes/daytona/sandbox.ts";
import { transact } from "../../src/thread/life.ts";
import { taskTools } from "../../src/tools/tasks.ts";
import { labels } from "../contract/sandbox-port/fixture.ts";
import { call, type Reply, say } from "../fakes/replies.ts";
import { makeTool } from "../fakes/scripted-run.ts";
import { FakeThread } from "../fakes/thread.ts";
import { untilEnd } from "./daytona-adapter.ts";
import { apiKey, type Fixture, startFixture } from "./daytona-fixture.ts";
import { type GitServer, startGitServer } from "./git-server.ts";

const FILE = ".taskloom/checks.yml";
const TEXT = "version: 1\ntest: npm test\n";
const hashOf = (text: string) => createHash("sha256").update(text).digest("hex");

let count = 0;

describe("a project's checkout", () => {
  let fixture: Fixture;
  let host: GitServer;
  beforeAll(async () => {
    [fixture, host] = await Promise.all([startFixture({ apiKey, privateUrlsAllowed: true }), startGitServer()]);
  });
  afterAll(async () => {
    await fixture.dispose();
    await host.close();
  });

  const open = (name: string, url: string | null) =>
    createDaytonaSandbox({
      ...{ api_key: apiKey, api_url: fixture.server.apiUrl, target: "local", snapshot: null, name, labels },
      git: { access: { findLogin: async () => null }, source: url === null ? null : { url } },
    });
  const shell = (sandbox: DaytonaSandbox, command: string) =>
    sandbox.runCommand({ command_id: `shell_${++count}`, command, wait_ms: 20_000 }, () => {}, untilEnd());
  const read = (sandbox: DaytonaSandbox, paths = [FILE]) => sandbox.checks?.readCommitted?.(paths, untilEnd());

  it("is read as it was cloned, by each thread of the project, whatever was done to it since", async () => {
    const { url, folder } = await host.addRepository("team/shop", { files: { [FILE]: TEXT, "a/t.ts": "1" } });
    const sandbox = open("committed", url);
    const first = await read(sandbox, [FILE, "a/t.ts", "none"]);
    expect(first).toEqual({
      folder: "shop",
      commit: expect.stringMatching(/^[0-9a-f]{40}$/),
      files: [
        { file: { hash: hashOf(TEXT), size: TEXT.length, text: TEXT }, now: hashOf(TEXT) },
        { file: { hash: hashOf("1"), size: 1, text: "1" }, now: hashOf("1") },
        { file: null, now: null },
      ],
    });
    expect(folder).not.toBe("");
    const patterns = ["**/*.ts", "a/", "a/t.ts", "none/"];
    const matches = await sandbox.checks?.hashCommitted?.(patterns, untilEnd());
    expect(matches).toEqual(
      await sandbox.checks?.hashMatches(
        patterns.map((each) => `shop/${each}`),
        untilEnd(),
      ),
    );
    expect(matches).toMatchObject([{ files: 1 }, { files: 1 }, { hash: hashOf("1") }, { hash: null }]);
    const own = "git -c user.name=a -c user.email=b";
    await shell(
      sandbox,
      `cd shop && printf 'version: 1\\n' >${FILE} && git add -A && ${own} commit -qm two && git replace HEAD~1 HEAD && git update-ref refs/remotes/origin/main HEAD`,
    );
    const other = open("committed", url);
    expect(await sandbox.checks?.hashCommitted?.(patterns, untilEnd())).toEqual(matches);
    for (const each of [sandbox, other])
      expect(await read(each)).toMatchObject({
        commit: first?.commit,
        files: [{ file: { text: TEXT }, now: hashOf("version: 1\n") }],
      });
    const real = await fixture.client.get("committed");
    expect(real.labels).toMatchObject({ ...labels, cloned: expect.stringContaining(first?.commit ?? "?") });
    await shell(sandbox, "rm -rf shop/.git/objects/*");
    await expect(read(other)).rejects.toThrow(/could not be read: the commit [0-9a-f]{40} is not there any more/);
  });

  it("has checks that verify a task, which the model can't turn off", async () => {
    const text = `version: 1
test: {run: sh test.sh, contains: 2 passed, protected: [test.sh]}
checks:
  - {paths: [docs/**], run: "false"}
  - {always: true, type: git, clean: true}
`;
    const files = { [FILE]: text, "test.sh": "grep -q cart server.js && echo 2 passed", "server.js": "" };
    const { url } = await host.addRepository("team/checked", { files });
    const sandbox = open("checked", url);
    await shell(sandbox, "true");
    const done = (id: string): Reply =>
      call({ id, name: "update_tasks", input: { task_ids: ["task_1"], status: "completed" } });
    const own = "git -c user.name=a -c user.email=b";
    const commit = (change: string) => shell(sandbox, `cd checked && ${change} && git add -A && ${own} commit -qm x`);
    const changing =
      (change: string, reply: Reply): Reply =>
      async (...given) => {
        await commit(change);
        return reply(...given);
      };
    const sections = [{ title: "S", tasks: ["The cart works"] }];
    const thread = new FakeThread({
      replies: [
        call({ id: "c_plan", name: "create_tasks", input: { sections } }),
        // Its first work.
        call({ id: "c_work", name: "touch", input: {} }),
        // It rewrites what the checks are.
        changing(`printf 'version: 1\n' >${FILE}`, done("c_one")),
        changing("echo cart >server.js", done("c_two")),
      ],
      tools: [...taskTools, makeTool("execute_command"), makeTool("touch")],
      defaultReply: say("Done."),
    });
    Object.assign(thread.sandbox, {
      checks: sandbox.checks,
      readRepositoryNotice: () => sandbox.readRepositoryNotice?.() ?? null,
      readFacts: async () => ({ system: "", work_dir: "/", programs: [], has_route: null, notes: null }),
    });
    transact(thread.life, () => thread.life.state.rememberSandbox("checked"));
    await thread.run("go", { invocation_id: "inv_a" });
    const [task] = thread.life.state.plan.tasks;
    const seen = task?.checks?.map(({ author, spec, result }) => [
      ...[author, "run" in spec ? spec.run : spec.type, result?.outcome],
    ]);
    expect(seen).toEqual([
      ["project", "sh test.sh", "passed"],
      ["project", "git", "passed"],
    ]);
    expect(task).toMatchObject({ status: "completed", verification: "verified" });
    expect(thread.life.project).toMatchObject({ pending: { hash: hashOf("version: 1\n") } });
    expect(task?.checks?.[0]?.protected).toEqual([{ path: "checked/test.sh", hash: hashOf(files["test.sh"]) }]);
  });

  it("is not known where the folder was there before, and nothing is asked without one", async () => {
    const { url } = await host.addRepository("team/there", { files: { [FILE]: TEXT } });
    const before = open("before", null);
    await shell(before, `git clone -q ${url} there`);
    const sandbox = open("before", url);
    expect(await read(sandbox)).toEqual({
      ...{ folder: "there", commit: null },
      files: [{ file: null, now: hashOf(TEXT) }],
    });
    const requests = host.requests.length;
    expect(await read(before)).toBeNull();
    expect(host.requests.length).toBe(requests);
  });
});
