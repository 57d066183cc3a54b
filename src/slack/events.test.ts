import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { runCount } from "../../test/setup/run-count.ts";
import { readSlackEvent, type SlackEvent, type SlackMessageEvent } from "./events.ts";
import { mentions, toContent, toMessageTitle, toPlainText } from "./message-text.ts";
import { toMessageRun } from "./run.ts";

const personal = {
  type: "message",
  channel: "C1",
  user: "U1",
  text: "<@UBOT> hi",
  ts: "100.000200",
  channel_type: "channel",
};

function wrap(event: Record<string, unknown>, more: Record<string, unknown> = {}): SlackEvent | null {
  return readSlackEvent({ type: "event_callback", team_id: "T1", api_app_id: "A1", event_id: "Ev1", event, ...more });
}

function messageOf(event: Record<string, unknown>): SlackMessageEvent {
  const read = wrap(event);
  if (read?.kind !== "message") throw new Error(`read as ${JSON.stringify(read)}`);
  return read.message;
}

const workspace = {
  user_id: "user_1",
  team_id: "T1",
  team_name: "Acme",
  bot_user_id: "UBOT",
  agent_id: null,
  project_id: null,
  created_at: "2026-11-25T00:00:00.000Z",
  updated_at: "2026-11-25T00:00:00.000Z",
  made_by: null,
};

describe("an event", () => {
  it("that verifies the address becomes a challenge", () => {
    const body = { type: "url_verification", token: "t", challenge: "3eZbrw" };
    expect(readSlackEvent(body)).toEqual({ kind: "challenge", challenge: "3eZbrw" });
  });

  it("of a message has its writer, text and place", () => {
    const files = [{ name: "a.png" }, { title: "b" }, 7];
    expect(wrap({ ...personal, thread_ts: "99.000100", user_team: "T2", files })).toEqual({
      kind: "message",
      team_id: "T1",
      message: {
        channel: "C1",
        user_id: "U1",
        user_team_id: "T2",
        text: "<@UBOT> hi",
        ts: "100.000200",
        thread_ts: "99.000100",
        started_by: null,
        is_direct: false,
        is_mention: false,
        files: ["a.png", "b"],
        forwarded: [],
      },
    });
  });

  it("in a shared channel belongs to the workspace where the app is installed", () => {
    expect(wrap(personal, { authorizations: [{ team_id: "T9" }] })).toMatchObject({ team_id: "T9" });
    expect(wrap(personal, { authorizations: [{ team_id: null }] })).toMatchObject({ team_id: "T1" });
    expect(wrap(personal, { authorizations: [] })).toMatchObject({ team_id: "T1" });
  });

  it.each([
    ["a bot's message", { bot_id: "B1" }],
    ["a message of this app", { app_id: "A1" }],
    ["an edit", { subtype: "message_changed", hidden: true }],
    ["a mention added by an edit", { type: "app_mention", edited: { ts: "1.2" } }],
    ["a deletion", { subtype: "message_deleted" }],
    ["somebody joining", { subtype: "channel_join" }],
    ["another bot's message", { subtype: "bot_message" }],
    ["of a subtype that is not a string", { subtype: JSON.parse('{"toString":null}') }],
    ["hidden", { hidden: true }],
    ["of a malformed time", { ts: "now" }],
    ["of a malformed channel", { channel: { id: "C1" } }],
    ["another event", { type: "reaction_added" }],
    ["a changed context of the assistant pane", { type: "assistant_thread_context_changed" }],
    ["the app's home", { type: "app_home_opened" }],
    ["the end of a person's token", { type: "tokens_revoked", tokens: { oauth: ["U1"] } }],
  ])("that is %s is ignored", (_name, change) => {
    expect(wrap({ ...personal, ...change })).toMatchObject({ kind: "ignored", team_id: "T1" });
  });

  it.each(["file_share", "thread_broadcast"])("with the subtype %s is a person's message", (subtype) => {
    expect(wrap({ ...personal, subtype })).toMatchObject({ kind: "message" });
  });

  it("of the app's removal, the assistant pane and Slack's Stop button is recognized", () => {
    expect(wrap({ type: "app_uninstalled" })).toEqual({ kind: "removed", team_id: "T1" });
    expect(wrap({ type: "tokens_revoked", tokens: { bot: ["UBOT"] } })).toEqual({ kind: "removed", team_id: "T1" });
    const assistant_thread = { user_id: "U1", context: {}, channel_id: "D1", thread_ts: "5.000001" };
    expect(wrap({ type: "assistant_thread_started", assistant_thread })).toEqual({
      kind: "pane_opened",
      team_id: "T1",
      channel: "D1",
      thread_ts: "5.000001",
    });
    const stop = {
      type: "agent_session_stopped",
      channel: "C1",
      user: "U1",
      thread_ts: "5.000001",
      event_ts: "9.500000",
    };
    expect(wrap(stop)).toMatchObject({ kind: "stopped", thread_ts: "5.000001", at: 9_500 });
  });

  it("of any shape does not throw", () => {
    const names = [
      "type",
      "team_id",
      "event",
      "user",
      "channel",
      "text",
      "ts",
      "thread_ts",
      "files",
      "tokens",
      "subtype",
    ];
    const words = fc.constantFrom(
      "message",
      "app_mention",
      "event_callback",
      "tokens_revoked",
      "assistant_thread_started",
      "1.2",
    );
    const { tree } = fc.letrec<{ tree: unknown }>((tie) => ({
      tree: fc.oneof(
        { maxDepth: 4 },
        fc.anything(),
        words,
        fc.dictionary(fc.constantFrom(...names), tie("tree"), { noNullPrototype: true }),
      ),
    }));
    fc.assert(
      fc.property(tree, tree, (body, event) => {
        readSlackEvent(body);
        const read = wrap({ ...personal, ...(event as object) });
        if (read?.kind === "message") toContent(read.message, "UBOT");
      }),
      { numRuns: runCount(2000) },
    );
  });
});

describe("a person's message", () => {
  it.each([
    ["<@UBOT> build a shop", "build a shop"],
    ["hey <@UBOT|loom>, ask <@U2> and <@U3|bob>", "hey , ask @U2 and @bob"],
    [
      "see <https://x.example/a?b=1&amp;c=2|the page> and <https://y.example>",
      "see the page (https://x.example/a?b=1&c=2) and https://y.example",
    ],
    ["in <#C2|shop> or <#C3>", "in #shop or #C3"],
    ["<!here> <!subteam^S1|@devs> <!date^1^{date}|today>", "@here @devs today"],
    ["<mailto:a@b.example|a@b.example>", "a@b.example"],
    ["a &lt;b&gt; &amp;lt; c", "a <b> &lt; c"],
    ["&lt;@UBOT&gt;", "<@UBOT>"],
    ["<", "<"],
    ["<<@UBOT>>", "<>"],
    ["line one  \n\n  <@UBOT>", "line one"],
  ])("of %j becomes the text %j", (text, words) => {
    expect(toPlainText(text, "UBOT")).toBe(words);
  });

  it("mentions the bot by its whole id only", () => {
    expect(mentions("<@UBOT>", "UBOT")).toBe(true);
    expect(mentions("<@UBOT|x>", "UBOT")).toBe(true);
    expect(mentions("<@UBOTH> &lt;@UBOT&gt;", "UBOT")).toBe(false);
  });

  it("gets a note with its writer and the quoted names of its files", () => {
    const files = [{ name: 'a"].png' }];
    const reply = { ...personal, thread_ts: "99.000100", parent_user_id: "U2" };
    expect(toContent(messageOf({ ...reply, files }), "UBOT")).toBe(
      'hi\n\n[Slack: written by user U1; files are attached, which can\'t be read here: "a\\"].png"]',
    );
    for (const own of [personal, { ...reply, parent_user_id: "U1" }, { ...reply, channel_type: "im" }]) {
      expect(toContent(messageOf(own), "UBOT")).toBe("hi");
    }
    const attachments = [{ is_share: true, text: "one\ntwo" }, { text: "a preview of a link" }];
    expect(toContent(messageOf({ ...personal, channel_type: "im", text: "", attachments }), "UBOT")).toBe(
      "Forwarded message:\n> one\n> two",
    );
  });

  it("gives its thread a title without markup, notes and the mention of the bot", () => {
    const attachments = [{ is_share: true, text: "as <@U3> said\ntwo" }];
    const titleOf = (event: object) => toMessageTitle(messageOf({ ...personal, ...event }), "UBOT");
    expect(titleOf({ text: "<@UBOT>  build a <https://x.example|shop>\nnow", files: [{ name: "a" }] })).toBe(
      "build a shop (https://x.example)",
    );
    expect(titleOf({ text: "<@UBOT>", attachments })).toBe("as @U3 said");
    expect(titleOf({ text: "<@UBOT>", files: [{ name: "a" }] })).toBeNull();
  });

  it("is empty if it only mentions the bot, and cut if it is long", () => {
    expect(toContent(messageOf({ ...personal, text: " <@UBOT> " }), "UBOT")).toBe("");
    const long = toContent(messageOf({ ...personal, text: "x".repeat(900_000), channel_type: "im" }), "UBOT");
    expect(long.length).toBeLessThanOrEqual(40_000);
    // This would take minutes if its time grew with the square of the length.
    toPlainText(`${"<".repeat(300_000)}${" ".repeat(300_000)}x`, "UBOT");
  });

  it("is the same run of the same thread for each of its events", async () => {
    const { channel_type: _, ...mention } = personal;
    const [one, other] = await Promise.all(
      [personal, { ...mention, type: "app_mention", user_team: "T1" }].map((event) => {
        const message = messageOf(event);
        return toMessageRun(workspace, message, { content: toContent(message, "UBOT"), origin: "https://x.example" });
      }),
    );
    expect(other).toEqual(one);
    expect(one?.follow).toEqual({
      kind: "slack",
      team_id: "T1",
      channel: "C1",
      thread_ts: "100.000200",
      recipient_user_id: "U1",
      recipient_team_id: "T1",
      newest_ts: "100.000200",
      origin: "https://x.example",
    });
    const reply = messageOf({ ...personal, ts: "101.000000", thread_ts: "100.000200" });
    const next = await toMessageRun(workspace, reply, { content: "more", origin: "https://x.example" });
    expect(next.thread_id).toBe(one?.thread_id);
    expect(next.invocation_id).not.toBe(one?.invocation_id);
    const elsewhere = await toMessageRun({ ...workspace, team_id: "T2" }, reply, { content: "more", origin: "" });
    expect(elsewhere.thread_id).not.toBe(one?.thread_id);
  });
});
