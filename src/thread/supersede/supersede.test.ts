// A turn that is asked again, or whose message is edited: what is left out from then on, and what stays.
import { describe, expect, it, vi } from "vitest";
import { again, edit, listed, page, read, said, twoTurns } from "../../../test/fakes/asked-again.ts";
import { Gate } from "../../../test/fakes/gate.ts";
import { call, say } from "../../../test/fakes/replies.ts";
import { FakeClock } from "../../../test/fakes/stream.ts";
import { FakeThread } from "../../../test/fakes/thread.ts";
import type { Tool } from "../../agent/tool.ts";
import { peopleTools } from "../../tools/people.ts";
import { taskTools } from "../../tools/tasks.ts";
import { findRun } from "../life.ts";
import { readMessagePage } from "../rows/reads.ts";
import { cancelBefore } from "../run/control.ts";
import { editPlan } from "../run/plan-edit.ts";
import { patchThread } from "../threads.ts";

describe("a turn that is asked again", () => {
  it("is named by its message or by its reply, and the model reads nothing that followed", async () => {
    for (const name of ["user", "assistant"]) {
      const thread = await twoTurns("better");
      const all = readMessagePage(thread.life, { ...page, types: [name as "user"] });
      const first = all.ok ? all.value.data[0] : undefined;
      await thread.run("", again(first?.message_id ?? "", { invocation_id: "inv_c" }));
      expect(read(thread)).toEqual(["user first"]);
      expect(listed(thread)).toEqual(["user first", "assistant better"]);
      expect(listed(thread, true)).toEqual([
        "user first",
        "-assistant one",
        "-user second",
        "-assistant two",
        "assistant better",
      ]);
      expect(findRun(thread.life, "inv_b")?.run).toMatchObject({ status: "completed", result: { text: "two" } });
      thread.crash();
      expect(listed(thread)).toEqual(["user first", "assistant better"]);
    }
  });

  it("can be asked again any number of times, and the conversation continues behind it", async () => {
    const thread = await twoTurns("three", "four", "five");
    await thread.run("", again("msg_of_inv_b", { invocation_id: "inv_c" }));
    await thread.run("", again("msg_of_inv_b", { invocation_id: "inv_d" }));
    await thread.run("third", { invocation_id: "inv_e" });
    expect(read(thread)).toEqual(["user first", "assistant one", "user second", "assistant four", "user third"]);
  });

  it("is the same run for each request that names the reply and no run, and none once it was asked by another", async () => {
    const thread = await twoTurns("three");
    const rows = readMessagePage(thread.life, { ...page, types: ["assistant"] });
    const reply = rows.ok ? (rows.value.data[1]?.message_id ?? "") : "";
    const unnamed = () => again(reply, { supersede: { message_id: reply, replaces: false, is_unnamed: true } });
    const first = await thread.run("", unnamed());
    const repeated = await thread.accept("", unnamed());
    expect(repeated).toMatchObject({ ok: true, value: { created: false, run: { status: "completed" } } });
    expect(first.events.at(-1)).toMatchObject({ type: "RUN_FINISHED" });
    expect(await thread.accept("", again(reply))).toMatchObject({ ok: false, error: { code: "not_found" } });
    expect(listed(thread)).toEqual(["user first", "assistant one", "user second", "assistant three"]);
  });

  it("is not named by the plan, whose place is that of the turn which began it", async () => {
    const thread = await twoTurns();
    await editPlan(thread.life, {
      request_id: "r1",
      version: null,
      operations: [{ op: "create", section_title: "S", task_contents: ["A"] }],
    });
    const rows = readMessagePage(thread.life, { ...page, types: ["task_list"] });
    const id = rows.ok ? (rows.value.data[0]?.message_id ?? "") : "";
    expect(await thread.accept("", again(id))).toMatchObject({ ok: false, error: { code: "invalid_operation" } });
  });

  it("is refused for a message that nobody sent, and while a run is active unless that is to be replaced", async () => {
    const gate = new Gate();
    const thread = new FakeThread({ replies: [say("one"), gate.say("tw", "o"), say("three")] });
    await thread.run("first", { invocation_id: "inv_a" });
    expect(await thread.accept("", again("msg_none"))).toMatchObject({ ok: false, error: { code: "not_found" } });
    await thread.accept("second", { invocation_id: "inv_b" });
    await gate.reached;
    expect(await thread.accept("", again("msg_of_inv_a"))).toMatchObject({ ok: false, error: { code: "busy" } });
    const more = { invocation_id: "inv_c", on_busy: "replace" as const };
    const accepted = await thread.accept("", again("msg_of_inv_b", more));
    const record = findRun(thread.life, "inv_c");
    if (!accepted.ok || record === null) throw new Error("not accepted");
    cancelBefore(thread.life, record);
    await thread.read({ invocation_id: "inv_c" }).untilClosed();
    expect(listed(thread)).toEqual(["user first", "assistant one", "user second", "assistant three"]);
    expect(listed(thread, true)).toContain("-assistant tw");
    expect(findRun(thread.life, "inv_b")?.run.status).toBe("cancelled");
  });
});

describe("a message that is edited", () => {
  it("is superseded with what follows, also the first of the thread, whose model reads again when it works", async () => {
    const thread = new FakeThread({ replies: [say("one"), say("two"), say("three")], tells: true });
    await thread.run("first", { invocation_id: "inv_a" });
    await thread.run("second", { invocation_id: "inv_b" });
    const told = said(thread)[0];
    await thread.run("", edit("msg_of_inv_a", "other", "msg_new", { invocation_id: "inv_c" }));
    expect(listed(thread)).toEqual(["user other", "assistant three"]);
    const environment = String(told?.content).replace("first", "");
    expect(environment).toContain("<environment>");
    expect(said(thread).map(({ content }) => content)).toEqual([`${environment}other`]);
  });

  it("gives the thread another name if that was named after it, and nobody has given it one", async () => {
    const title = async (edited: string, given: string | null) => {
      const thread = await twoTurns("three");
      const { thread_id, title } = thread.life.thread;
      expect(title).toBe("first");
      if (given !== null) await patchThread(thread.life, { title: given });
      await thread.run("", edit(edited, "other\nwords", "msg_new", { invocation_id: "inv_c" }));
      const sent = thread.batches.findLast((batch) => batch.thread?.thread_id === thread_id)?.thread;
      expect(sent?.title).toBe(thread.life.thread.title);
      return thread.life.thread.title;
    };
    expect(await title("msg_of_inv_a", null)).toBe("other");
    expect(await title("msg_of_inv_b", null)).toBe("first");
    expect(await title("msg_of_inv_a", "given")).toBe("given");
  });

  it("may keep its id, and the old row gets another one, also in D1", async () => {
    const thread = await twoTurns("three");
    await thread.run("", edit("msg_of_inv_b", "other", "msg_of_inv_b", { invocation_id: "inv_c" }));
    const all = readMessagePage(thread.life, { ...page, superseded: true });
    const named = all.ok ? all.value.data.filter(({ message_id }) => message_id === "msg_of_inv_b") : [];
    expect(named.map(({ content }) => content)).toEqual([{ role: "user", content: "other" }]);
    const sent = thread.batches.flatMap(({ superseded = [] }) => superseded);
    expect(sent[0]).toMatchObject({ by: "inv_c", from: 3, through: 4, renamed: { seq: 3 } });
  });

  it("and is edited again before the first edit has started, has the second one alone", async () => {
    const project = Promise.withResolvers<null>();
    const tools = [...peopleTools, { ...(peopleTools[0] as Tool), name: "work", kind: "work" as const }];
    const clock = new FakeClock();
    const thread = new FakeThread({ defaultReply: say("ok"), tells: true, tools, clock });
    await thread.run("first", { invocation_id: "inv_a" });
    // The settings of a project that was made a moment ago are known.
    clock.advance(5_000);
    const reads = vi.spyOn(thread.life.ports, "readProject").mockReturnValue(project.promise);
    const replace = { on_busy: "replace" as const };
    await thread.accept("", edit("msg_of_inv_a", "other", "msg_b", { invocation_id: "inv_b", ...replace }));
    await vi.waitFor(() => expect(reads).toHaveBeenCalled(), 20_000);
    await thread.accept("", edit("msg_of_inv_a", "another", "msg_c", { invocation_id: "inv_c", ...replace }));
    const record = findRun(thread.life, "inv_c");
    if (record !== null) cancelBefore(thread.life, record);
    project.resolve(null);
    await thread.read({ invocation_id: "inv_c" }).untilClosed();
    expect(listed(thread)).toEqual(["user another", "assistant ok"]);
    expect(listed(thread, true)).not.toContain("-user other");
    expect(findRun(thread.life, "inv_b")?.run.status).toBe("cancelled");
  });

  it("can't be a reply", async () => {
    const thread = await twoTurns();
    const all = readMessagePage(thread.life, { ...page, types: ["assistant"] });
    const id = all.ok ? (all.value.data[0]?.message_id ?? "") : "";
    const refused = await thread.accept("", edit(id, "x"));
    expect(refused).toMatchObject({ ok: false, error: { code: "invalid_operation" } });
  });

  it("answers the question that the old one answered", async () => {
    const ask = call({ id: "c1", name: "ask", input: { question: "Which?", choices: ["red", "blue"] } });
    const thread = new FakeThread({ replies: [ask, say("red it is"), say("green it is")], tools: peopleTools });
    await thread.run("paint", { invocation_id: "inv_a" });
    await thread.run("red", { invocation_id: "inv_b" });
    await thread.run("", edit("msg_of_inv_b", "green", "msg_new", { invocation_id: "inv_c" }));
    expect(read(thread)).toEqual(["user paint", "assistant", "tool green"]);
    expect(findRun(thread.life, "inv_c")?.run.resumes).toBe("inv_a");
    expect(listed(thread).slice(3)).toEqual(["tool green", "user green", "assistant green it is"]);
    // A later plain message answers nothing.
    thread.replies.push(say("bye"));
    await thread.run("thanks", { invocation_id: "inv_d" });
    expect(findRun(thread.life, "inv_d")?.run.resumes).toBeNull();
  });

  it("takes an open question back", async () => {
    const ask = call({ id: "c1", name: "ask", input: { question: "Which?" } });
    const thread = new FakeThread({ replies: [ask, say("done")], tools: peopleTools });
    await thread.run("paint", { invocation_id: "inv_a" });
    await thread.run("", edit("msg_of_inv_a", "paint it red", "msg_new", { invocation_id: "inv_b" }));
    expect(read(thread)).toEqual(["user paint it red"]);
    const resume = [{ interrupt_id: "int_c1", status: "resolved" as const, payload: "blue" }];
    const late = await thread.accept("", { messages: [], resume });
    expect(late).toMatchObject({ ok: false, error: { code: "interrupt_answered" } });
  });
});

describe("the plan", () => {
  const plan = (thread: FakeThread) =>
    thread.life.state.plan.tasks.map(({ content, status }) => `${content} ${status}`);
  const create = (id: string, ...tasks: string[]) =>
    call({ id, name: "create_tasks", input: { sections: [{ title: "S", tasks }] } });

  it("is what it was before the turn, with the numbers that the model knows, and its times", async () => {
    const replies = [create("c1", "A", "B"), say("planned")];
    const thread = new FakeThread({ replies, tools: taskTools, defaultReply: say("still open") });
    await thread.run("plan", { invocation_id: "inv_a" });
    const before = thread.life.state.plan;
    const update = { task_ids: ["task_1"], status: "completed" };
    thread.replies.push(
      call({ id: "c2", name: "update_tasks", input: update }),
      call({ id: "c3", name: "delete_tasks", input: { task_ids: ["task_2"], confirm: true } }),
      create("c4", "C"),
      say("done"),
    );
    await thread.run("work", { invocation_id: "inv_b" });
    expect(plan(thread)).not.toEqual(["A pending", "B pending"]);
    const wrong = thread.life.state.plan.version;
    thread.replies.push(say("again"));
    await thread.run("", again("msg_of_inv_b", { invocation_id: "inv_c" }));
    expect(thread.life.state.plan).toMatchObject({ ...before, version: wrong + 1, last_numbers: { task: 3 } });
    thread.crash();
    expect(thread.life.state.plan).toMatchObject({ sections: before.sections, tasks: before.tasks });
  });

  it("has the checks and the verification that it had", async () => {
    const checked = { content: "A", checks: [{ type: "file", path: "a" }] };
    const input = { sections: [{ title: "S", tasks: [checked] }] };
    const replies = [call({ id: "c1", name: "create_tasks", input }), say("planned")];
    const thread = new FakeThread({ replies, tools: taskTools, defaultReply: say("still open") });
    await thread.run("plan", { invocation_id: "inv_a" });
    const { tasks } = thread.life.state.plan;
    expect(tasks).toMatchObject([{ verification: "not_run", checks: [{ author: "model" }] }]);
    thread.replies.push(
      call({ id: "c2", name: "update_tasks", input: { task_ids: ["task_1"], remove_checks: ["1"] } }),
      say("done"),
    );
    await thread.run("work", { invocation_id: "inv_b" });
    expect(thread.life.state.plan.tasks[0]).toMatchObject({ weakened: true });
    thread.replies.push(say("again"));
    await thread.run("", again("msg_of_inv_b", { invocation_id: "inv_c" }));
    thread.crash();
    expect(thread.life.state.plan.tasks).toEqual(tasks);
  });

  it("is what it was when a message came in the middle of a run", async () => {
    const gate = new Gate();
    const thread = new FakeThread({
      replies: [create("c1", "A"), gate.say("", "go"), create("c2", "B")],
      defaultReply: say("done"),
      tools: taskTools,
    });
    await thread.accept("plan", { invocation_id: "inv_a" });
    await gate.reached;
    const version = thread.life.state.plan.version;
    await thread.accept("and B", { invocation_id: "inv_s", on_busy: "steer" });
    gate.open();
    await thread.read({ invocation_id: "inv_a" }).untilClosed();
    expect(plan(thread).length).toBe(2);
    await thread.run("", again("msg_of_inv_s", { invocation_id: "inv_c" }));
    expect(plan(thread)).toEqual(["A pending"]);
    expect(thread.life.state.plan.version).toBeGreaterThan(version + 1);
  });

  it("stays as it is if nobody knows what it was", async () => {
    const replies = [create("c1", "A"), say("planned")];
    const thread = new FakeThread({ replies, tools: taskTools, defaultReply: say("again") });
    await thread.run("plan", { invocation_id: "inv_a" });
    thread.life.database.sql.exec("UPDATE journal SET events = '{' WHERE seq = 2");
    await thread.run("", again("msg_of_inv_a", { invocation_id: "inv_b" }));
    expect(plan(thread)).toEqual(["A pending"]);
  });

  it("has no unseen edits of a turn that is gone", async () => {
    const thread = new FakeThread({ defaultReply: say("ok"), tools: taskTools });
    await thread.run("hi", { invocation_id: "inv_a" });
    await editPlan(thread.life, {
      request_id: "r1",
      version: null,
      operations: [{ op: "create", section_title: "S", task_contents: ["A"] }],
    });
    await thread.run("", again("msg_of_inv_a", { invocation_id: "inv_b" }));
    expect(plan(thread)).toEqual([]);
    expect(JSON.stringify(thread.requests.at(-1))).not.toContain("changed the plan");
  });
});
