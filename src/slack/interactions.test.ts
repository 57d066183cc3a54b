import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { announceCommand, readCommand } from "./commands.ts";
import { FORM_FIELD, FORM_ID, readInteraction, toForm } from "./interactions.ts";
import { readAccess, readIdentity } from "./oauth.ts";
import { askQuestions } from "./show/questions.ts";

const interrupt = {
  id: "int_1",
  reason: "question" as const,
  message: "Which colour?",
  tool_call_id: "c1",
  response_schema: { type: "string" },
  expires_at: null,
};
const { blocks } = askQuestions({
  thread_id: "thread_1",
  invocation_id: "inv_1",
  interrupts: [interrupt],
  web_url: null,
});
const [pressed] = (blocks[1]?.elements ?? []) as Record<string, unknown>[];
const clicked = {
  type: "block_actions",
  team: { id: "T1" },
  user: { id: "U1", team_id: "T2" },
  trigger_id: "1.2.3",
  channel: { id: "C1" },
  container: { type: "message", message_ts: "2.000000", channel_id: "C1", thread_ts: "1.000000" },
  message: { ts: "2.000000", thread_ts: "1.000000", blocks },
  actions: [{ type: "button", ...pressed }],
};

describe("a click", () => {
  it("has its person, button and place", () => {
    expect(readInteraction(clicked)).toMatchObject({
      kind: "click",
      place: { team_id: "T1", user_id: "U1", user_team_id: "T2", channel: "C1", ts: "2.000000", thread_ts: "1.000000" },
      action: { kind: "answer", thread_id: "thread_1", invocation_id: "inv_1", interrupt_id: "int_1" },
      trigger_id: "1.2.3",
    });
  });

  it("opens a form that shows the question and returns what it answers", () => {
    const click = readInteraction(clicked);
    if (click?.kind !== "click") throw new Error("no click");
    const view = toForm(click);
    expect(JSON.stringify(view.blocks)).toContain("Which colour?");
    const state = { values: { [FORM_FIELD]: { text: { type: "plain_text_input", value: "red" } } } };
    const sent = { type: "view_submission", team: { id: "T1" }, user: { id: "U1" }, view: { ...view, state } };
    expect(readInteraction(sent)).toMatchObject({
      kind: "form",
      place: { team_id: "T1", channel: "C1", ts: "2.000000", thread_ts: "1.000000" },
      thread_id: "thread_1",
      invocation_id: "inv_1",
      interrupt_id: "int_1",
      text: "red",
    });
    expect(readInteraction({ ...sent, view: { ...sent.view, state: {} } })).toMatchObject({ text: null });
    const shared = { ...sent, team: { id: "T9" }, user: { id: "U1", team_id: "T9" } };
    expect(readInteraction({ ...shared, view: { ...sent.view, app_installed_team_id: "T1" } })).toMatchObject({
      place: { team_id: "T1", user_team_id: "T9" },
    });
    const foreign = { ...sent.view, callback_id: "other" };
    expect(readInteraction({ ...sent, view: foreign })).toMatchObject({ kind: "ignored" });
    const broken = { ...sent.view, private_metadata: "{}" };
    expect(readInteraction({ ...sent, view: broken })).toMatchObject({ kind: "ignored" });
  });

  it("on a link, or outside of a message, is ignored", () => {
    const link = { ...clicked, actions: [{ type: "button", action_id: "taskloom:link" }] };
    expect(readInteraction(link)).toMatchObject({ kind: "ignored" });
    expect(readInteraction({ ...clicked, container: { type: "view" }, message: null })).toMatchObject({
      kind: "ignored",
    });
    expect(readInteraction({ type: "view_closed" })).toMatchObject({ kind: "ignored" });
    for (const none of [null, 7, "x", [], {}]) expect(readInteraction(none)).toBeNull();
  });

  it("of any shape does not throw", () => {
    const field = fc.constantFrom(...Object.keys(clicked), "view");
    fc.assert(
      fc.property(field, fc.anything(), (name, value) => void readInteraction({ ...clicked, [name]: value })),
      { numRuns: 1000 },
    );
    fc.assert(
      fc.property(fc.anything(), fc.anything(), (view, state) => {
        readInteraction({ ...clicked, type: "view_submission", view });
        readInteraction({
          ...clicked,
          type: "view_submission",
          view: { callback_id: FORM_ID, private_metadata: "{}", state },
        });
      }),
    );
  });
});

describe("a command", () => {
  const typed = { team_id: "T1", channel_id: "C1", user_id: "U1", trigger_id: "9.9", command: "/taskloom" };
  const read = (text?: string) =>
    readCommand(new URLSearchParams({ ...typed, ...(text === undefined ? {} : { text }) }));

  it("is a request, or a request for help", () => {
    expect(read("build a <https://x.example|shop>")?.request).toBe("build a shop (https://x.example)");
    for (const text of ["", "  ", "help", "HELP", "?", undefined]) expect(read(text)?.request).toBe("");
    expect(read("help me to build a shop")?.request).toBe("help me to build a shop");
    expect(readCommand(new URLSearchParams({ ...typed, user_id: "" }))).toBeNull();
  });

  it("is announced without mentioning anybody else", () => {
    const command = read("tell <!channel> and &lt;!here&gt;");
    expect(command && announceCommand(command)).toBe("<@U1> asked: tell @channel and &lt;!here&gt;");
  });
});

describe("a grant from Slack", () => {
  const access = {
    ok: true,
    access_token: "xoxb-1",
    token_type: "bot",
    bot_user_id: "UBOT",
    team: { id: "T1", name: "Acme" },
    is_enterprise_install: false,
  };
  const grant = { team_id: "T1", team_name: "Acme", bot_user_id: "UBOT", token: "xoxb-1" };

  it("has the bot's token for one workspace", () => {
    for (const own of [null, "A1"]) {
      expect(readAccess({ ...access, app_id: "A1" }, own)).toEqual({ ok: true, grant });
      expect(readAccess(access, own)).toEqual({ ok: true, grant });
    }
    const tested = { ok: true, team: "Acme", team_id: "T1", user_id: "UBOT", bot_id: "B1" };
    expect(readIdentity(tested, "xoxb-1")).toEqual({ ok: true, identity: { grant, bot_id: "B1" } });
  });

  it.each([
    ["an organization's", { is_enterprise_install: true, team: null }],
    ["one that expires", { refresh_token: "xoxe-1", expires_in: 43200 }],
    ["a person's", { token_type: "user" }],
    ["one without a bot", { bot_user_id: undefined }],
    ["another app's", { app_id: "A2" }],
  ])("is refused if it is %s, and never quoted", (_name, change) => {
    const read = readAccess({ ...access, ...change }, "A1");
    expect(read.ok).toBe(false);
    expect(JSON.stringify(read)).not.toContain("xox");
  });

  it("is refused if the token is a person's", () => {
    expect(readIdentity({ ok: true, team_id: "T1", user_id: "U1" }, "xoxp-1").ok).toBe(false);
  });
});
