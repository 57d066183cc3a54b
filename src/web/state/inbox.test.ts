import { describe, expect, it } from "vitest";
import type { WaitingMessage } from "../../protocol/inbox.ts";
import type { Run } from "../../protocol/run.ts";
import { ApiError } from "../client/api.ts";
import { drafts } from "./drafts.ts";
import { Inbox } from "./inbox.ts";
import { opening, say, type ThreadView, type Waiting, wait, withInbox, withSent } from "./thread-view.ts";

const at = "2026-11-24T10:00:00.000Z";

function entry(id: string, more: Partial<WaitingMessage> = {}): WaitingMessage {
  const ids = { message_id: id, invocation_id: `run ${id}` };
  return { ...ids, on_busy: "enqueue", content: `text of ${id}`, is_cut: false, created_at: at, ...more };
}

function waiting(id: string, isSent: boolean): Waiting {
  return { id, text: `text of ${id}`, mode: "enqueue", run: `run ${id}`, isSent };
}

/** A thread with a working run, on a server with these waiting messages and these runs, and no others. */
function stage(entries: WaitingMessage[], runs: Record<string, Partial<Run>> = {}) {
  let view: ThreadView = {
    ...opening,
    phase: "ready",
    conversation: { ...opening.conversation, run: { id: "r", state: "running", error: null, unfinished: 0 } },
  };
  const server = { entries, asked: [] as string[], answer: Promise.resolve() };
  const api = {
    listInbox: async () => {
      server.asked.push("inbox");
      const data = server.entries;
      await server.answer;
      return { data };
    },
    getRun: async (_thread: string, run: string) => {
      server.asked.push(run);
      const found = runs[run];
      if (!found) throw new ApiError(404, "not_found", "There is none.");
      return { started_at: null, finished_at: null, ...found } as Run;
    },
    changeWaiting: async (_thread: string, id: string, { text, now }: { text?: string; now?: boolean }) => {
      const found = server.entries.find(({ message_id }) => message_id === id);
      if (!found) throw new ApiError(404, "not_found", "It does not wait.");
      const changed = { ...found, content: text ?? found.content, on_busy: now ? ("steer" as const) : found.on_busy };
      server.entries = server.entries.map((each) => (each === found ? changed : each));
      return changed;
    },
    removeWaiting: async (_thread: string, id: string) => {
      server.entries = server.entries.filter(({ message_id }) => message_id !== id);
    },
  };
  const change = (edit: (view: ThreadView) => ThreadView): void => {
    view = edit(view);
  };
  const inbox = new Inbox(api, "t", { latest: () => view }, change);
  const look = async (): Promise<void> => {
    inbox.look();
    await settle();
  };
  const shown = () => view.waiting.map(({ id, mode, text }) => [id, mode, text]);
  return { server, change, inbox, look, shown, view: () => view };
}

/** Lets everything finish that waits only for promises. */
function settle(): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve));
}

describe("waiting messages", () => {
  it("are shown as the server has them, in its order, before those that it has not got", async () => {
    const image = { type: "image_url" as const, image_url: { url: "https://x.example" } };
    const parts = entry("c", { content: [{ type: "text", text: "see" }, image] });
    const { change, look, shown } = stage([entry("s", { on_busy: "steer" }), entry("b", { is_cut: true }), parts]);
    change((view) => wait(wait(view, waiting("own", false)), waiting("b", true)));
    await look();
    expect(shown()).toEqual([
      ["s", "steer", "text of s"],
      ["b", "enqueue", "text of b…"],
      ["c", "enqueue", "see\n🖼"],
      ["own", "enqueue", "text of own"],
    ]);
  });

  it("are not shown twice, neither beside themselves nor beside the message that they have become", async () => {
    const { change, look, shown } = stage([entry("a"), entry("b")]);
    change((view) => wait(say(view, waiting("b", true)), waiting("a", false)));
    await look();
    expect(shown()).toEqual([["a", "enqueue", "text of a"]]);
  });

  it("go when their run has ended or there is none, and stay while it works, because its stream brings them", async () => {
    const runs = { "run ended": { finished_at: at }, "run begun": { started_at: at } };
    const { server, change, look, shown } = stage([], runs);
    for (const id of ["ended", "begun", "taken"]) change((view) => wait(view, waiting(id, true)));
    await look();
    expect(shown()).toEqual([["begun", "enqueue", "text of begun"]]);
    expect(server.asked).toEqual(["inbox", "run ended", "run begun", "run taken"]);
  });

  it("keep what was sent while the server answered", async () => {
    const { server, change, inbox, shown } = stage([]);
    let answer = (): void => {};
    server.answer = new Promise((resolve) => {
      answer = resolve;
    });
    change((view) => wait(view, waiting("own", false)));
    inbox.look();
    change((view) => withSent(view, "own"));
    answer();
    await settle();
    expect(shown().map(([id]) => id)).toEqual(["own"]);
  });

  it("are requested once more for all who ask in the meantime, and not at all where nothing can wait", async () => {
    const { server, change, inbox } = stage([]);
    for (let asked = 0; asked < 5; asked++) inbox.look();
    await settle();
    expect(server.asked).toEqual(["inbox", "inbox"]);
    change((view) => ({ ...view, conversation: opening.conversation }));
    inbox.look();
    await settle();
    expect(server.asked).toHaveLength(2);
  });

  it("stay as they were where the server can't be reached", async () => {
    const { server, change, look, shown } = stage([]);
    change((view) => wait(view, waiting("a", true)));
    server.answer = Promise.reject(new Error("offline"));
    await look();
    expect(shown()).toHaveLength(1);
    server.answer = Promise.resolve();
    await look();
    expect(shown()).toEqual([]);
  });
});

describe("a thread that is read", () => {
  it("forgets what waited before and waits no more, and nothing else", () => {
    const view = { ...opening, waiting: [waiting("old", true), waiting("own", false)] };
    const read = withInbox(view, [waiting("new", true)], ({ id }) => id === "old");
    expect(read.waiting.map(({ id }) => id)).toEqual(["new", "own"]);
  });

  it("are edited, sent now and removed", async () => {
    const { inbox, look, shown } = stage([entry("a"), entry("b"), entry("c")]);
    await look();
    await inbox.edit("a", "other");
    await inbox.sendNow("b");
    await inbox.remove("c");
    const expected = [
      ["a", "enqueue", "other"],
      ["b", "steer", "text of b"],
    ];
    expect(shown()).toEqual(expected);
    await settle();
    expect(shown()).toEqual(expected);
  });

  it("give an edit back that came too late", async () => {
    const { inbox, look, server, view } = stage([entry("a")], { "run a": { finished_at: at } });
    await look();
    server.entries = [];
    await inbox.edit("a", "too late");
    await settle();
    expect([drafts.get().t, view().problem?.text]).toEqual(["too late", expect.stringContaining("already")]);
    expect(view().waiting).toEqual([]);
  });
});
