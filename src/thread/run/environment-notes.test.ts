// What a thread's model learns once: over restarts, summaries, later days and new sandboxes.
import { describe, expect, it } from "vitest";
import { DAY_MS, first, long, Stage } from "../../../test/fakes/environment-stage.ts";
import { rowsOfType } from "../../../test/fakes/message-rows.ts";
import { call, type Reply, say } from "../../../test/fakes/replies.ts";
import { summaryPrompt } from "../../agent/context/summary-writer.ts";
import type { ModelRequest } from "../../agent/model.ts";
import type { Life } from "../life.ts";
import { writeMeta } from "../rows/database.ts";
import { readHistory } from "./summaries.ts";

const friday = first(
  "Today is Friday, 2026-11-27 (time zone UTC).",
  "Tools work in a Linux sandbox, which is made when it is first used. Paths are relative to its work dir.",
  "The project's settings don't restrict its network.",
);

describe("the first message of a thread", () => {
  it("begins with the environment, which nobody but the model sees", async () => {
    const stage = new Stage({ replies: [say("hello"), say("again")] });
    const reader = await stage.thread.run("hi");
    expect(stage.sent).toEqual([`${friday}\n\nhi`]);
    await stage.thread.run("and?");
    expect(stage.sent).toEqual([`${friday}\n\nhi`, "hello", "and?"]);
    expect(JSON.stringify(reader.frames)).not.toContain("environment");
    expect(stage.everything).not.toContain("environment");
    expect(stage.thread.life.thread.title).toBe("hi");
  });

  it("has the date where the person is, and stands before an image too", async () => {
    const stage = new Stage({ replies: [say("hello")] });
    const content = [{ type: "image_url" as const, image_url: { url: "https://example.com/a.png" } }];
    await stage.thread.run("", { time_zone: "Asia/Shanghai", messages: [{ message_id: "m", content }] });
    const text = expect.stringMatching(/^<environment>\nToday is Saturday, 2026-11-28 \(time zone Asia\/Shanghai\)/);
    expect(stage.sent).toEqual([[{ type: "text", text }, ...content]]);
  });

  it.each([
    ["what the project's settings say of the network", { network: { block_all: true } }, "Its network is blocked"],
    ["the hosts that they allow", { network: { allow: ["example.com"] } }, "reach only example.com."],
  ])("tells %s", async (_, sandbox, text) => {
    const stage = new Stage({ replies: [say("hello")] });
    const project = {
      project_id: "p",
      user_id: "u",
      name: "",
      git: null,
      caps: null,
      retention_days: null,
      created_at: "",
      updated_at: "",
    };
    stage.at += DAY_MS;
    stage.thread.project = { ...project, sandbox };
    await stage.thread.run("hi");
    expect(stage.sent[0]).toContain(text);
  });

  it("tells what was read with the agent without another read", async () => {
    const stage = new Stage({ replies: [say("hello")] });
    stage.at += DAY_MS;
    stage.thread.life.ports.readProject = () => Promise.reject(new Error("D1 is away"));
    stage.thread.life.ports.knownNetwork = () => ({ block_all: true });
    await stage.thread.run("hi");
    expect(stage.sent[0]).toContain("Its network is blocked");
  });

  it("tells nothing of a network that can't be read, or of a sandbox that the agent can't use", async () => {
    const stage = new Stage({ replies: [say("hello")] });
    stage.at += DAY_MS;
    stage.thread.life.ports.readProject = () => Promise.reject(new Error("D1 is away"));
    await stage.thread.run("hi");
    expect(stage.sent[0]).toMatch(/^<environment>\n.*\n.*work dir\.\n<\/environment>\n\nhi$/);
    const talker = new Stage({ replies: [say("hello")], agent: { tools: [] } });
    await talker.thread.run("hi");
    expect(talker.sent[0]).toBe(`${first("Today is Friday, 2026-11-27 (time zone UTC).")}\n\nhi`);
  });

  it("is the same after a restart, and the environment stands there once", async () => {
    const stage = new Stage({ replies: [say("hello"), say("again")] });
    await stage.thread.run("hi");
    const read = ({ database, environment }: Life) => readHistory(database.sql, environment.notes);
    const before = read(stage.thread.life);
    stage.at += 1_000;
    stage.thread.crash();
    expect(read(stage.thread.life)).toEqual(before);
    expect(before.history[0]).toMatchObject({ content: "hi", preamble: friday });
    await stage.thread.run("and?");
    expect(stage.sent).toEqual([`${friday}\n\nhi`, "hello", "and?"]);
  });
});

describe("a later day", () => {
  it("stands in front of its first message, once, and in the zone that the client named before", async () => {
    const stage = new Stage({ defaultReply: say("ok") });
    await stage.thread.run("one", { time_zone: "Europe/Berlin" });
    expect(stage.sent[0]).toContain("Saturday, 2026-11-28 (time zone Europe/Berlin)");
    await stage.thread.run("two");
    stage.at += DAY_MS;
    await stage.thread.run("three");
    await stage.thread.run("four");
    const users = stage.sent.filter((content) => content !== "ok").slice(1);
    const sunday = "<environment>Today is Sunday, 2026-11-29 (time zone Europe/Berlin).</environment>";
    expect(users).toEqual(["two", `${sunday}\n\nthree`, "four"]);
  });

  it("is in UTC where the zone is not known to the runtime", async () => {
    const stage = new Stage({ defaultReply: say("ok") });
    await stage.thread.run("one", { time_zone: "Mars/Phobos" });
    expect(stage.sent[0]).toContain("Friday, 2026-11-27 (time zone UTC)");
    stage.thread.life.environment = {
      ...stage.thread.life.environment,
      day: { date: "2026-11-26", time_zone: "Mars/Deimos" },
    };
    await stage.thread.run("two");
    expect(stage.sent.at(-1)).toContain("Friday, 2026-11-27 (time zone UTC)");
  });

  it("does not come back to an earlier one", async () => {
    const stage = new Stage({ defaultReply: say("ok") });
    await stage.thread.run("one", { time_zone: "Asia/Shanghai" });
    await stage.thread.run("two", { time_zone: "America/Los_Angeles" });
    expect(stage.sent.at(-1)).toBe("two");
  });
});

describe("a thread", () => {
  it.each([
    ["without notes", null],
    ["whose notes are damaged", { notes: 7 }],
  ])("%s gets them with its next run", async (_, stored) => {
    const stage = new Stage({ defaultReply: say("ok"), tells: false });
    await stage.thread.run("one");
    const { sql } = stage.thread.life.database;
    sql.exec("DELETE FROM meta WHERE key = 'environment_notes'");
    if (stored !== null) writeMeta(sql, "environment_notes", stored);
    stage.thread.crash();
    await stage.thread.run("two");
    expect(stage.sent[0]).toBe("one");
    expect(stage.sent[2]).toMatch(/^<environment>\nToday is Friday.*\n\ntwo$/s);
  });
});

/** Calls `long` five times for each message of a person. */
const worker: Reply = (request, onDelta, signal) => {
  if (request.messages[0]?.content === summaryPrompt) return say("It worked.")(request, onDelta, signal);
  const since = request.messages.slice(request.messages.findLastIndex(({ role }) => role === "user"));
  const done = since.filter(({ role }) => role === "tool").length;
  const play = done < 5 ? call({ id: `c${done}`, name: "long", input: {} }) : say("done");
  return play(request, onDelta, signal);
};

describe("a summary", () => {
  const isSummary = ({ messages }: ModelRequest) => String(messages[1]?.content).includes("<conversation_summary>");

  it("comes behind the environment and the newest day, in memory as after a restart, and quotes neither", async () => {
    const stage = new Stage({ defaultReply: worker, tools: [long], context_tokens: 8_000 });
    await stage.thread.run("one");
    stage.at += DAY_MS;
    await stage.thread.run("two");
    stage.at += DAY_MS;
    await stage.thread.run("three");
    const { requests } = stage.thread;
    expect(requests.filter(isSummary).length).toBeGreaterThan(3);
    const seen = JSON.stringify(requests.filter(isSummary).at(-1)?.messages);
    expect(seen.match(/Today is Friday/g)).toHaveLength(1);
    expect(seen.match(/Today is Sunday/g)).toHaveLength(1);
    expect(seen).not.toContain("Today is Saturday");
    const opening = String(requests.findLast(isSummary)?.messages[1]?.content);
    expect(opening).toMatch(/^<environment>\nToday is Friday.*<\/environment>\n\n.*<conversation_summary>\n/s);
    for (const row of rowsOfType(stage.rows, "summary")) expect(JSON.stringify(row)).not.toContain("Today is");
    for (const { messages } of requests.filter(({ messages }) => messages[0]?.content === summaryPrompt))
      expect(JSON.stringify(messages)).not.toContain("Today is");
    stage.thread.crash();
    await stage.thread.run("four");
    const after = String(stage.thread.requests.findLast(isSummary)?.messages[1]?.content);
    expect(after.match(/Today is (?:Friday|Sunday)/g)).toEqual(["Today is Friday", "Today is Sunday"]);
  });
});
