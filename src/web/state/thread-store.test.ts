import { afterAll, beforeAll, describe, expect, it, vi } from "vitest";
import type { WaitingMessage } from "../../protocol/inbox.ts";
import type { PlanView } from "../../protocol/plan/task.ts";
import type { Api } from "../client/api.ts";
import { ThreadStore } from "./thread-store.ts";

beforeAll(() => {
  // Nothing that a browser has but what the store needs of it.
  const page = { addEventListener: () => {}, visibilityState: "hidden" };
  vi.stubGlobal("document", page);
  vi.stubGlobal("window", page);
});

afterAll(() => vi.unstubAllGlobals());

function planOf(version: number): PlanView {
  return { version, sections: [], total_sections: 0, total_tasks: 0, completed_tasks: 0, next_task: null };
}

/** A server that answers each request when the test says so; its streams stay open. */
function stage({ isNew = false } = {}) {
  const open: { what: string; answer: (value: unknown) => void }[] = [];
  const asked: string[] = [];
  const ask = (what: string) => (): Promise<unknown> => {
    asked.push(what);
    return new Promise((answer) => open.push({ what, answer }));
  };
  const api = {
    ...{ listMessages: ask("messages"), getPlan: ask("plan"), listRuns: ask("runs"), listInbox: ask("inbox") },
    ...{ watchThread: ask("watch"), watchRun: ask("watch run"), sendBeside: ask("send"), removeWaiting: ask("remove") },
    getRun: async () => ({ finished_at: "2026-11-24T10:00:00.000Z" }),
  } as unknown as Api;
  const store = new ThreadStore(api, "t", { isNew, onTaken: () => asked.push("taken"), onUnauthorized: () => {} });
  const settle = () => new Promise((done) => setTimeout(done));
  const answer = async (what: string, value: unknown): Promise<void> => {
    const [found] = open.splice(
      open.findIndex((each) => each.what === what),
      1,
    );
    expect(found?.what).toBe(what);
    found?.answer(value);
    await settle();
  };
  const read = async (plan: PlanView, runs: object[] = []): Promise<void> => {
    await answer("messages", []);
    await answer("plan", plan);
    await answer("runs", { data: runs });
  };
  const version = () => store.view.latest().conversation.state.plan.version;
  return { store, asked, answer, read, settle, version };
}

const waiting = (message_id: string): WaitingMessage => ({
  ...{ message_id, invocation_id: `run ${message_id}`, on_busy: "enqueue", content: message_id, is_cut: false },
  created_at: "2026-11-24T10:00:00.000Z",
});

describe("a thread that is read", () => {
  it("keeps the plan that an edit was answered with meanwhile", async () => {
    const { store, read, version } = stage();
    store.takePlan(planOf(4));
    await read(planOf(3));
    expect([store.view.latest().phase, version()]).toEqual(["ready", 4]);
    store.close();
  });

  it("shows a plan that others have changed since", async () => {
    const { store, read, version } = stage();
    store.takePlan(planOf(4));
    await read(planOf(5));
    expect(version()).toBe(5);
    store.close();
  });

  it("is read again for what was asked for meanwhile", async () => {
    const { store, asked, read, version } = stage();
    store.refresh();
    await read(planOf(1));
    expect(asked.filter((what) => what === "plan")).toHaveLength(2);
    await read(planOf(2));
    expect(version()).toBe(2);
    store.close();
  });

  it("does not bring back a waiting message that was removed meanwhile", async () => {
    const { store, answer, read, settle } = stage();
    await read(planOf(0), [{ invocation_id: "r", status: "running", finished_at: null, interrupts: [] }]);
    const removing = store.inbox.remove("m");
    await answer("remove", undefined);
    await removing;
    await answer("inbox", { data: [waiting("m")] });
    // Read once more, since what was read may be older than the removal.
    await answer("inbox", { data: [] });
    await settle();
    expect(store.view.latest().waiting).toEqual([]);
    store.close();
  });
});

describe("a thread that was left", () => {
  it("still delivers a message that waited for its project", async () => {
    const { store, asked, answer } = stage({ isNew: true });
    store.close();
    store.send("Hello");
    await answer("send", {});
    expect(asked).toEqual(["send", "taken"]);
  });
});
