import { describe, expect, it } from "vitest";
import type { RunStatus } from "../../protocol/run.ts";
import type { ThreadWithRun } from "../../protocol/thread.ts";
import type { Api } from "../client/api.ts";
import { ThreadList } from "./thread-list.ts";

const row = (index: number): ThreadWithRun => ({
  thread_id: `t${index}`,
  user_id: "u",
  project_id: "p",
  title: index === 0 ? "Shop" : null,
  agent_id: "a",
  metadata: {},
  created_at: `2026-11-${30 - index}`,
  updated_at: "",
  last_run: null,
});

/** Five threads, newest first, two to a page. */
function stage() {
  const asked: string[] = [];
  const sent: string[] = [];
  const api = {
    get: async (path: string) => {
      asked.push(path);
      const start = Number(/cursor=(\d+)/.exec(path)?.[1] ?? 0);
      const data = [0, 1, 2, 3, 4].slice(start, start + 2).map(row);
      return { data, next_cursor: start + 2 < 5 ? String(start + 2) : null };
    },
    send: async (method: string, path: string, body: object) => {
      sent.push(`${method} ${path}`);
      return { ...row(9), last_run: undefined, ...body };
    },
  } as unknown as Api;
  const list = new ThreadList(api, () => {});
  const ids = () => list.view.get().threads.map(({ thread_id }) => thread_id);
  const read = async () => {
    list.refresh();
    while (list.view.get().phase === "loading") await Promise.resolve();
  };
  return { list, asked, sent, ids, read };
}

describe("the list of threads", () => {
  it("reads one older page at a time, however often the end comes near", async () => {
    const { list, asked, ids, read } = stage();
    await read();
    expect(await Promise.all([list.more(), list.more()])).toEqual([true, true]);
    expect(ids()).toEqual(["t0", "t1", "t2", "t3"]);
    expect(asked).toHaveLength(2);
  });

  it("reads all of them for a search, and then no more", async () => {
    const { list, asked, ids, read } = stage();
    await read();
    await Promise.all([list.more(), list.all()]);
    await list.all();
    expect(ids()).toEqual(["t0", "t1", "t2", "t3", "t4"]);
    expect(asked).toHaveLength(3);
  });

  it("shows how the open thread's run stands as soon as its stream does, and draws nothing for what it knows", async () => {
    const { list, read } = stage();
    await read();
    const run = { invocation_id: "i", status: "running" } as const;
    list.hear("t1", run);
    const before = list.view.get();
    expect(before.threads.map(({ last_run }) => last_run)).toEqual([null, run]);
    list.hear("t1", { ...run });
    list.hear("elsewhere", run);
    expect(list.view.get()).toBe(before);
  });

  it("changes the agent of a thread only to another one: a key that may only run would be refused", async () => {
    const { list, sent, read } = stage();
    await read();
    expect(await list.begin("t1", { project_id: "p", agent_id: "a" })).toBe(true);
    expect(sent).toEqual([]);
    expect(await list.begin("t1", { project_id: "p", agent_id: "b" })).toBe(true);
    expect(await list.begin("t7", { project_id: null, agent_id: "a" })).toBe(true);
    expect(sent).toEqual(["PATCH /v1/threads/t1", "POST /v1/threads"]);
  });

  it("reads a thread without a name before the list is read again, and none that has one", async () => {
    const { list, asked, read } = stage();
    await read();
    asked.length = 0;
    list.hearOf("t0");
    list.hearOf("t1");
    await expect.poll(() => asked).toEqual(["/v1/threads/t1", "/v1/threads?limit=50"]);
  });

  it("has a conversation in its project at once, before its first message", async () => {
    const { list, ids, read } = stage();
    await read();
    expect(await list.create("new", { project_id: "p2" })).toBe(true);
    expect(ids()).toEqual(["new", "t0", "t1"]);
    expect(list.view.get().threads[0]).toMatchObject({ project_id: "p2", last_run: null });
  });
});

/** A list that is answered when the test says so, with what the server had when it was asked for. */
function slowStage() {
  const answers: ((page: unknown) => void)[] = [];
  const api = {
    get: () => new Promise((resolve) => answers.push(resolve)),
    send: async (method: string, path: string, body?: object) =>
      method === "POST" ? { ...row(9), ...body } : { ...row(Number(path.at(-1))), ...body },
  } as unknown as Api;
  const list = new ThreadList(api, () => {});
  const answer = async (data: ThreadWithRun[], next_cursor: string | null = null): Promise<void> => {
    answers.shift()?.({ data, next_cursor });
    await new Promise((resolve) => setTimeout(resolve));
  };
  const rows = () => list.view.get().threads;
  return { list, answer, titles: () => rows().map(({ thread_id, title }) => `${thread_id} ${title}`), rows };
}

describe("a list of threads that is read", () => {
  it("keeps what was renamed, removed and made meanwhile", async () => {
    const { list, answer, titles } = slowStage();
    list.refresh();
    await answer([row(0), row(1)]);
    list.refresh();
    await list.rename("t0", "Garden");
    await list.remove("t1");
    await list.create("new", { project_id: "p2" });
    await answer([row(0), row(1)]);
    expect(titles()).toEqual(["new null", "t0 Garden"]);
  });

  it("has a thread that was made meanwhile once, if the server listed it", async () => {
    const { list, answer, titles } = slowStage();
    list.refresh();
    await list.create("new", { project_id: "p2" });
    await answer([{ ...row(0), thread_id: "new", title: "Named" }, row(1)]);
    expect(titles()).toEqual(["new Named", "t1 null"]);
  });

  it("brings nothing back with an older page, and no thread of a project that was deleted", async () => {
    const { list, answer, titles } = slowStage();
    list.refresh();
    await answer([row(0), row(1)], "2");
    const more = list.more();
    await list.remove("t1");
    list.forgetProject("gone");
    await answer([row(1), { ...row(2), project_id: "gone" }, row(3)]);
    await more;
    expect(titles()).toEqual(["t0 Shop", "t3 null"]);
  });

  it("shows what others have changed since", async () => {
    const { list, answer, titles } = slowStage();
    list.refresh();
    await list.rename("t0", "Garden");
    await answer([row(0)]);
    list.refresh();
    await answer([{ ...row(0), title: "Orchard" }]);
    expect(titles()).toEqual(["t0 Orchard"]);
  });

  it("does not begin a run again that the open thread's stream has ended", async () => {
    const { list, answer, rows } = slowStage();
    const now = (status: RunStatus, invocation_id = "i") => ({ ...row(0), last_run: { invocation_id, status } });
    list.refresh();
    await answer([now("running")]);
    list.hear("t0", { invocation_id: "i", status: "completed" });
    for (const [listed, shown] of [
      [now("running"), "completed"],
      [now("failed"), "failed"],
      [now("running", "next"), "running"],
    ] as const) {
      list.refresh();
      await answer([listed]);
      expect(rows()[0]?.last_run?.status).toBe(shown);
    }
  });
});
