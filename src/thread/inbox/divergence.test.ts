// The table of `docs/protocol.md`: which histories of a client ask again or edit, and which only add what is new.
import { describe, expect, it, vi } from "vitest";
import { Gate } from "../../../test/fakes/gate.ts";
import { say } from "../../../test/fakes/replies.ts";
import { FakeThread } from "../../../test/fakes/thread.ts";
import type { RunInput } from "../../protocol/thread.ts";
import { findRun } from "../life.ts";
import { newOwnMessageId } from "../rows/own-ids.ts";
import { readMessagePage } from "../rows/reads.ts";
import { cancelBefore } from "../run/control.ts";

/** `u1` is a message of a person, `u1=text` one with that text, `a1` the first reply, `s` an instruction of the client. */
function history(thread: FakeThread, names: string[], more: Partial<RunInput> = {}): Partial<RunInput> {
  const replies = idsOf(thread, "assistant");
  const entries = names.map((name) => {
    const [id = "", text = `text of ${id}`] = name.split("=");
    const role = id.startsWith("u") ? "user" : id.startsWith("a") ? "assistant" : "system";
    const message_id = role === "assistant" ? (replies[Number(id.slice(1)) - 1] ?? id) : id;
    return { message_id, role, text };
  });
  const messages = entries
    .filter(({ role }) => role === "user")
    .map(({ message_id, text }) => ({ message_id, content: text }));
  return {
    from_history: true,
    messages,
    history: entries.map(({ message_id, role }) => ({ message_id, role })),
    ...more,
  };
}

function rowsOf(thread: FakeThread, superseded: boolean) {
  const page = readMessagePage(thread.life, {
    cursor: null,
    limit: 200,
    types: ["user", "assistant"],
    after: null,
    superseded,
  });
  if (!page.ok) throw new Error(page.error.detail);
  return page.value.data;
}

function idsOf(thread: FakeThread, type: string): string[] {
  return rowsOf(thread, true).flatMap((row) => (row.type === type ? [row.message_id] : []));
}

/** The conversation: texts of people and replies. */
function said(thread: FakeThread): string[] {
  return rowsOf(thread, false).map(({ content }) =>
    String((content as { content: unknown }).content).replace("text of ", ""),
  );
}

/** Two turns by this protocol, a third one as `third` says. */
async function conversation(third: "history" | "elsewhere" | "none" = "none"): Promise<FakeThread> {
  const thread = new FakeThread({ replies: ["a1", "a2"].map((text) => say(text)), defaultReply: say("new") });
  await thread.run("", history(thread, ["u1"], { invocation_id: "inv_1" }));
  await thread.run("", history(thread, ["u1", "a1", "u2"], { invocation_id: "inv_2" }));
  if (third === "none") return thread;
  thread.replies.push(say("a3"));
  const last = history(thread, ["u1", "a1", "u2", "a2", "u3"]);
  await thread.run(
    "text of u3",
    third === "history" ? last : { messages: [{ message_id: "u3", content: "text of u3" }] },
  );
  return thread;
}

const whole = { is_whole_history: true };

describe("a history", () => {
  it.each<[string, string[], string[]]>([
    ["ends at a person's message: it is asked again", ["u1", "a1", "u2"], ["u1", "a1", "u2", "new"]],
    ["ends at the first one: all that follows is replaced", ["u1"], ["u1", "new"]],
    ["is the last part of it, and ends at a person's message", ["u2"], ["u1", "a1", "u2", "new"]],
    ["has instructions behind that message", ["s", "u1", "a1", "u2", "s"], ["u1", "a1", "u2", "new"]],
    ["ends at a message with another text: it is edited", ["u1", "a1", "u2=v2"], ["u1", "a1", "v2", "new"]],
    ["ends at the first one with another text", ["u1=v1"], ["v1", "new"]],
    ["has only other white space: it is asked again", ["u1= text  of u1 "], ["u1", "new"]],
    ["has another message in the place of one: it is edited", ["u1", "a1", "u9"], ["u1", "a1", "u9", "new"]],
    ["goes on", ["u1", "a1", "u2", "a2", "u9"], ["u1", "a1", "u2", "a2", "u9", "new"]],
    ["is the new message alone", ["u9"], ["u1", "a1", "u2", "a2", "u9", "new"]],
    ["is the new message and some before it", ["a2", "u9"], ["u1", "a1", "u2", "a2", "u9", "new"]],
    ["lacks the last reply", ["u1", "a1", "u2", "u9"], ["u1", "a1", "u2", "a2", "u9", "new"]],
    ["has messages of people alone", ["u1", "u2", "u9"], ["u1", "a1", "u2", "a2", "u9", "new"]],
    ["has replies under ids of the client", ["u1", "ax", "u2", "ay", "u9"], ["u1", "a1", "u2", "a2", "u9", "new"]],
    ["changes an old message and goes on", ["u1=v1", "a1", "u2", "a2", "u9"], ["u1", "a1", "u2", "a2", "u9", "new"]],
    ["has two new messages", ["u1", "a1", "u8", "u9"], ["u1", "a1", "u8", "u9", "new"]],
    ["is in another order and goes on", ["u2", "a2", "u1", "a1", "u9"], ["u1", "a1", "u2", "a2", "u9", "new"]],
  ])("that %s", async (_name, names, expected) => {
    const thread = await conversation();
    await thread.run("", history(thread, names));
    expect(said(thread)).toEqual(expected);
  });

  it.each<[string, string[], string[]]>([
    ["lacks a message that came by another way, which stays", ["u1", "a1", "u2", "a2", "u9"], ["a3", "u9", "new"]],
    ["has another message in the place of an older one", ["u1", "a1", "u9"], ["a3", "u9", "new"]],
  ])("that %s", async (_name, names, expected) => {
    const thread = await conversation("elsewhere");
    await thread.run("", history(thread, names));
    expect(said(thread)).toEqual(["u1", "a1", "u2", "a2", "u3", ...expected]);
  });

  it("that asks again for a message before one that came by another way is refused, unless it is the whole", async () => {
    const thread = await conversation("elsewhere");
    for (const names of [
      ["u1", "a1", "u2"],
      ["u1", "a1", "u2=v2"],
    ]) {
      const refused = await thread.accept("", history(thread, names));
      expect(refused).toMatchObject({ ok: false, error: { code: "version_conflict" } });
    }
    expect(said(thread).length).toBe(6);
    await thread.run("", history(thread, ["u1", "a1", "u2", "a2", "u3"]));
    expect(said(thread)).toEqual(["u1", "a1", "u2", "a2", "u3", "new"]);
    await thread.run("", history(thread, ["u1", "a1", "u2"], whole));
    expect(said(thread)).toEqual(["u1", "a1", "u2", "new"]);
  });

  it("that leaves out a turn in its middle only adds what is new", async () => {
    const thread = await conversation("history");
    await thread.run("", history(thread, ["u1", "a1", "u3", "u9"]));
    expect(said(thread)).toEqual(["u1", "a1", "u2", "a2", "u3", "a3", "u9", "new"]);
  });

  it("that has messages which are superseded only adds what is new: there are no branches", async () => {
    const thread = await conversation();
    await thread.run("", history(thread, ["u1", "a1", "u3"]));
    await thread.run("", history(thread, ["u1", "a1", "u2", "a2", "u9"]));
    expect(said(thread)).toEqual(["u1", "a1", "u3", "new", "u9", "new"]);
  });

  it("that is said to be the whole replaces what it lacks, also from the first message on", async () => {
    for (const [names, expected] of [
      [["u9"], ["u9", "new"]],
      [
        ["u1", "u9"],
        ["u1", "a1", "u9", "new"],
      ],
      [
        ["u1", "a1", "u2", "a2", "u9"],
        ["u1", "a1", "u2", "a2", "u9", "new"],
      ],
    ] as const) {
      const thread = await conversation();
      await thread.run("", history(thread, [...names], whole));
      expect(said(thread)).toEqual(expected);
    }
  });

  it("that ends at a reply has nothing to answer", async () => {
    const thread = await conversation();
    const refused = await thread.accept("", history(thread, ["u1", "a1", "u2", "a2"]));
    expect(refused).toMatchObject({ ok: false, error: { code: "empty_message" } });
  });

  it("that has what follows the message at its end takes nothing back", async () => {
    for (const names of [
      ["u2", "a2", "u1"],
      ["u1", "a1", "u2", "a2", "u1"],
    ])
      for (const more of [{}, whole]) {
        const thread = await conversation();
        const refused = await thread.accept("", history(thread, names, more));
        expect(refused).toMatchObject({ ok: false, error: { code: "empty_message" } });
        expect(said(thread)).toEqual(["u1", "a1", "u2", "a2"]);
      }
  });

  it("of an edited message goes on under its id", async () => {
    const thread = await conversation();
    await thread.run("", history(thread, ["u1", "a1", "u2=v2"]));
    await thread.run("", history(thread, ["u1", "a1", "u2=v2", "a3", "u3"]));
    await thread.run("", history(thread, ["u1", "a1", "u2=w2"]));
    expect(said(thread)).toEqual(["u1", "a1", "w2", "new"]);
    expect(idsOf(thread, "user").filter((id) => id === "u2").length).toBe(1);
  });
});

describe("a run at work", () => {
  it("ends if its turn is asked again or edited, and what it said until then goes with it", async () => {
    for (const names of [["u1"], ["u1=v1"]]) {
      const gate = new Gate();
      const thread = new FakeThread({ replies: [gate.say("half", "")], defaultReply: say("new") });
      await thread.accept("", history(thread, ["u1"], { invocation_id: "inv_1" }));
      await gate.reached;
      const accepted = await thread.accept("", history(thread, names, { invocation_id: "inv_2" }));
      const record = findRun(thread.life, "inv_2");
      if (!accepted.ok || record?.input?.on_busy !== "replace") throw new Error("it does not replace");
      cancelBefore(thread.life, record);
      await thread.read({ invocation_id: "inv_2" }).untilClosed();
      expect(said(thread)).toEqual([names[0]?.split("=").at(-1), "new"]);
    }
  });

  it("goes on if messages wait behind it, which no history may take back", async () => {
    const gate = new Gate();
    const thread = new FakeThread({ replies: [gate.say("a1", "")], defaultReply: say("new") });
    await thread.accept("", history(thread, ["u1"], { invocation_id: "inv_1" }));
    await gate.reached;
    await thread.accept("waits", { invocation_id: "inv_w" });
    const refused = await thread.accept("", history(thread, ["u1"]));
    expect(refused).toMatchObject({ ok: false, error: { code: "busy" } });
    // Nor one that is said to be the whole.
    const behind = await thread.accept("", history(thread, ["u9"], whole));
    expect(behind).toMatchObject({ ok: false, error: { code: "busy" } });
    gate.open();
    await thread.read({ invocation_id: "inv_w" }).untilClosed();
    expect(said(thread)).toEqual(["u1", "a1", "waits", "new"]);
  });
});

describe("a long history", () => {
  it("costs a few looks at the thread, however many replies and results of the server it has", async () => {
    const thread = await conversation();
    // They are in no index, so each look at one of them is a look at every message.
    const entries = Array.from({ length: 300 }, (_, place) => ({
      message_id: newOwnMessageId(),
      role: ["assistant", "tool", "user"][place % 3] ?? "",
    }));
    const of = (role: string) => entries.filter((entry) => entry.role === role);
    const input: Partial<RunInput> = {
      from_history: true,
      messages: [...of("user"), { message_id: "u9", role: "user" }].map(({ message_id }) => ({
        message_id,
        content: "text",
      })),
      tool_results: of("tool").map(({ message_id }) => ({ message_id, tool_call_id: message_id, content: "done" })),
      history: [{ message_id: "u1", role: "user" }, ...entries, { message_id: "u9", role: "user" }],
    };
    const exec = vi.spyOn(thread.life.database.sql, "exec");
    await thread.accept("", { ...input, ...whole });
    const looks = exec.mock.calls.filter(([query]) => /SELECT .*FROM messages/s.test(query));
    expect(looks.length).toBeLessThan(20);
  });
});
