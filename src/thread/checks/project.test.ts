// A thread whose project brings checks of its own, in a checkout that the model can write to.
import { beforeEach, describe, expect, it, vi } from "vitest";
import { resultsOf } from "../../../test/fakes/answered-thread.ts";
import { hashOf, MemoryCheckPlace } from "../../../test/fakes/check-place.ts";
import { call, type Reply, say } from "../../../test/fakes/replies.ts";
import { makeTool } from "../../../test/fakes/scripted-run.ts";
import { FakeThread } from "../../../test/fakes/thread.ts";
import type { AgentConfig } from "../../protocol/agents/agent.ts";
import type { PlanOperation } from "../../protocol/plan/edit.ts";
import { taskTools } from "../../tools/tasks.ts";
import { findRun, transact } from "../life.ts";
import { editPlan } from "../run/plan-edit.ts";
import { readPlanDetails } from "./plan-details.ts";

// A life that is ended logs it.
beforeEach(() => {
  vi.spyOn(console, "error").mockImplementation(() => {});
});

const FILE = ".taskloom/checks.yml";
const TEXT = `version: 1
test: {run: npm test, protected: [test/cart.test.ts]}
checks:
  - {paths: [docs/**], run: npm run docs}
  - {always: true, type: file, path: README.md}
`;
const plan = (...tasks: unknown[]): Reply =>
  call({ id: "c_plan", name: "create_tasks", input: { sections: [{ title: "S", tasks }] } });
const done = (id: string, task = "task_1"): Reply =>
  call({ id, name: "update_tasks", input: { task_ids: [task], status: "completed" } });

interface Given {
  agent?: Partial<AgentConfig>;
  text?: string | null;
  commit?: string | null;
  tools?: string[];
}

function newThread(
  replies: Reply[],
  { agent = {}, text = TEXT, commit = "c".repeat(40), tools = ["execute_command"] }: Given = {},
) {
  const place = new MemoryCheckPlace();
  const tests = "test/cart.test.ts";
  const files = { [tests]: "expect(1)", ...(text === null || commit === null ? {} : { [FILE]: text }) };
  place.checkout = { folder: "shop", commit, files };
  for (const [path, content] of Object.entries({ ...files, ...(text === null ? {} : { [FILE]: text }) }))
    place.files.set(`shop/${path}`, content);
  place.files.set("shop/README.md", "Hi");
  for (const name of ["npm test", "npm run docs"]) place.deeds.set(name, { output: "ok\n" });
  const thread = new FakeThread({
    replies,
    tools: [...taskTools, ...tools.map((name) => makeTool(name))],
    agent,
    defaultReply: say("Done."),
  });
  Object.assign(thread.sandbox, { checks: place, readRepositoryNotice: () => "The repository is in shop." });
  transact(thread.life, () => thread.life.state.rememberSandbox("sandbox_1"));
  return { thread, place, run: (id = "inv_a") => thread.run("go", { invocation_id: id }) };
}

const checksOf = (thread: FakeThread, at = 0) =>
  thread.life.state.plan.tasks[at]?.checks?.map(
    ({ author, spec }) => `${author} ${"run" in spec ? spec.run : spec.type}`,
  );
const edit = (thread: FakeThread, ...operations: PlanOperation[]) =>
  editPlan(thread.life, { request_id: crypto.randomUUID(), version: null, operations });
const accept = (text: string): PlanOperation => ({ op: "accept_project_checks", hash: hashOf(text) });
const projectOf = (thread: FakeThread) => readPlanDetails(thread.life, "receipts").project_checks;

describe("the checks of a project", () => {
  it("protect the folders and patterns of the commit, and verify nothing where one matches nothing there", async () => {
    const text = (entries: string) => `version: 1\ntest: {run: npm test, protected: [${entries}]}\n`;
    const verify = async (entries: string, change = (_: MemoryCheckPlace) => {}) => {
      const { thread, place, run } = newThread([plan("A"), done("c1")], { text: text(entries) });
      change(place);
      await run();
      const [task] = thread.life.state.plan.tasks;
      return [task?.verification, task?.checks?.[0]?.protected, await resultsOf(thread)] as const;
    };
    const [clean, files] = await verify("test/, '**/*.test.ts'");
    expect(clean).toBe("verified");
    expect(files).toEqual([
      { path: "shop/test/", hash: expect.any(String), files: 1 },
      { path: "shop/**/*.test.ts", hash: expect.any(String), files: 1 },
    ]);
    const add = (place: MemoryCheckPlace) => void place.files.set("shop/test/new.ts", "");
    expect((await verify("test/", add))[0]).toBe("self_checked");
    expect((await verify("test", add))[0]).toBe("self_checked");
    const [missing, , results] = await verify("tset/");
    expect(missing).toBe("self_checked");
    expect(JSON.stringify(results)).toContain("matches no file");
  });

  it("run when a task is completed, and verify it", async () => {
    const { thread, place, run } = newThread([plan("A"), done("c1")]);
    await run();
    expect(place.started.sort()).toEqual(["npm run docs", "npm test"]);
    expect(checksOf(thread)).toEqual(["project npm test", "project npm run docs", "project file"]);
    expect(thread.life.state.plan.tasks[0]).toMatchObject({
      ...{ status: "completed", verification: "verified" },
      checks: [{ protected: [{ path: "shop/test/cart.test.ts", hash: hashOf("expect(1)") }] }, {}, {}],
    });
    expect(projectOf(thread)).toMatchObject({ commit: "c".repeat(40), file: { hash: hashOf(TEXT) }, pending: null });
  });

  it("come by path once it is known what a task has changed, and for each task before it is worked on", async () => {
    const { thread, place, run } = newThread([
      plan("A", "B", "C"),
      done("c1"),
      (...given) => {
        place.files.set("shop/docs/a.md", "new");
        return done("c2", "task_2")(...given);
      },
      done("c3", "task_3"),
    ]);
    await run();
    expect(checksOf(thread, 1)).toEqual(["project file", "project npm test", "project npm run docs"]);
    // Nothing has changed since.
    expect(checksOf(thread, 2)).toEqual(["project file"]);
    expect(thread.life.state.plan.tasks[2]?.verification).toBe("verified");
  });

  it("come by path for the first task, too, where it is known what differs from the commit", async () => {
    const { thread, place, run } = newThread([plan("A"), done("c1")]);
    place.git = { ...place.git, commit: "c".repeat(40), changed: ["server.js"] };
    await run();
    expect(checksOf(thread)).toEqual(["project npm test", "project file"]);
    const none = newThread([plan("A"), done("c1")]);
    none.place.git = { ...none.place.git, commit: "c".repeat(40), changed: [] };
    await none.run();
    expect(checksOf(none.thread)).toEqual(["project file"]);
  });

  it("keep a task open when one fails, and people see the check", async () => {
    const { thread, place, run } = newThread([plan("A"), done("c1")]);
    place.deeds.set("npm test", { exit_code: 1, output: "1 failed\n" });
    await run();
    expect(thread.life.state.plan.tasks[0]).toMatchObject({ verification: "failed" });
    expect(thread.life.state.plan.tasks[0]?.status).not.toBe("completed");
    expect(checksOf(thread)).toContain("project npm test");
    expect(resultsOf(thread).c1).toContain("`npm test` exited with 1, not 0");
  });

  it("are those of the commit, whatever the model writes, and the model reads that", async () => {
    const { thread, place, run } = newThread([plan("A"), done("c1")]);
    place.files.set(`shop/${FILE}`, "version: 1\n");
    place.files.set("shop/test/cart.test.ts", "expect(0)");
    await run();
    expect(place.started).toContain("npm test");
    // The test is not as in the commit.
    expect(thread.life.state.plan.tasks[0]).toMatchObject({ status: "completed", verification: "self_checked" });
    expect(resultsOf(thread).c1).toContain(`${FILE} is not as in the commit that was checked out`);
    expect(projectOf(thread)?.pending).toMatchObject({ hash: hashOf("version: 1\n"), checks: [], problem: null });
  });

  it("change for open tasks when a person accepts the file, and not with another hash", async () => {
    const next = "version: 1\nchecks:\n  - {always: true, run: npm run docs}\n";
    const { thread, place, run } = newThread([plan("A", "B"), done("c1")]);
    place.files.set(`shop/${FILE}`, next);
    await run();
    expect(checksOf(thread, 1)).toEqual(["project file"]);
    const wrong = await edit(thread, accept("something else"));
    expect(wrong).toMatchObject({ ok: false, error: { code: "invalid_operation" } });
    const { version } = thread.life.state.plan;
    expect(await edit(thread, accept(next), { op: "create", section_title: "S", task_contents: ["C"] })).toMatchObject({
      ok: true,
      value: { version: version + 1 },
    });
    expect([1, 2].map((at) => checksOf(thread, at))).toEqual([["project npm run docs"], ["project npm run docs"]]);
    expect(checksOf(thread)).toContain("project npm test");
    thread.crash();
    expect(projectOf(thread)).toMatchObject({ file: { hash: hashOf(next) }, pending: null });
    // Asked again, it is accepted already.
    expect((await edit(thread, accept(next))).ok).toBe(true);
    expect(thread.life.state.plan.version).toBe(version + 1);
  });

  it("are none where the folder was there before, until a person accepts them", async () => {
    const { thread, place, run } = newThread([plan("A", "B"), done("c1")], { commit: null });
    await run();
    expect(place.started).toEqual([]);
    expect(thread.life.state.plan.tasks[0]).not.toHaveProperty("checks");
    expect(resultsOf(thread).c1).toContain("not known to be the person's");
    expect((await edit(thread, accept(TEXT))).ok).toBe(true);
    expect(checksOf(thread, 1)).toEqual(["project file"]);
  });

  it("are none where the file can't be read, which stops nothing and is reported, also where a person would accept it", async () => {
    const broken = "version: 1\ntests: npm test\n";
    const { thread, run } = newThread([plan("A"), done("c1")], { text: broken });
    await run();
    expect(thread.life.state.plan.tasks[0]?.status).toBe("completed");
    expect(resultsOf(thread).c1).toContain(`${FILE} is not used: Unrecognized key`);
    expect(projectOf(thread)?.file).toMatchObject({ checks: [], problem: expect.stringContaining("Unrecognized key") });
    const pending = newThread([plan("A"), done("c1")]);
    pending.place.files.set(`shop/${FILE}`, broken);
    await pending.run();
    expect(await edit(pending.thread, accept(broken))).toMatchObject({ ok: false });
  });

  it("are none where the sandbox can't say, which stops nothing and is reported", async () => {
    const { thread, place, run } = newThread([plan("A"), done("c1")]);
    const { SandboxError } = await import("../../agent/sandbox.ts");
    place.readCommitted = async () => Promise.reject(new SandboxError("failed", "The commit is gone."));
    await run();
    expect(thread.life.state.plan.tasks[0]?.status).toBe("completed");
    expect(resultsOf(thread).c1).toContain("could not be read: The commit is gone.");
  });

  it("are asked about where the agent's approvals guard a command, and run once they are approved", async () => {
    const { thread, place, run } = newThread([plan("A"), done("c1")], {
      agent: { approvals: { execute_command: ["npm test"] } },
    });
    await run();
    expect(place.started).toEqual([]);
    expect(findRun(thread.life, "inv_a")?.run.interrupts).toMatchObject([
      { message: "update_tasks: $ npm test", checks: [{ spec: { run: "npm test", cwd: "shop" } }] },
    ]);
    await thread.run("", {
      ...{ invocation_id: "inv_b", messages: [] },
      resume: [{ interrupt_id: "int_c1", status: "resolved", payload: { approved: true } }],
    });
    expect(place.started.sort()).toEqual(["npm run docs", "npm test"]);
    expect(thread.life.state.plan.tasks[0]).toMatchObject({ status: "completed", verification: "verified" });
  });

  it("run no command for an agent that has none, unless a person agrees", async () => {
    const { thread, place, run } = newThread([plan("A"), done("c1")], { tools: [] });
    await run();
    expect(place.started).toEqual([]);
    expect(findRun(thread.life, "inv_a")?.run.interrupts).toMatchObject([
      { message: "update_tasks: $ npm test\n$ npm run docs" },
    ]);
  });

  it("are known to a task that a person adds", async () => {
    const { thread, run } = newThread([plan("A"), done("c1")]);
    await run();
    expect((await edit(thread, { op: "create", section_title: "S", task_contents: ["B"] })).ok).toBe(true);
    expect(checksOf(thread, 1)).toEqual(["project file"]);
  });
});

describe("without checks of a project", () => {
  it("nothing is asked where the project has no checkout, and once where it has no such file", async () => {
    const none = newThread([plan("A", "B"), done("c1"), done("c2", "task_2")]);
    Object.assign(none.thread.sandbox, { readRepositoryNotice: () => null });
    await none.run();
    expect(none.place.calls).toEqual([]);
    expect(JSON.stringify(none.thread.life.state.plan)).not.toMatch(/checks|waived/);
    const { place, run } = newThread([plan("A", "B"), done("c1"), done("c2", "task_2")], { text: null });
    await run();
    expect(place.calls).toEqual([`committed ${FILE}`]);
  });

  it("nothing is asked of a sandbox before a tool of the thread has used one", async () => {
    const { thread, place } = newThread([plan("A"), done("c1")]);
    Object.assign(thread.sandbox, { readRepositoryNotice: () => null });
    await thread.run("go", { invocation_id: "inv_a" });
    expect([place.calls, thread.life.project]).toEqual([[], null]);
  });
});
