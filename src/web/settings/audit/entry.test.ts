import { describe, expect, it } from "vitest";
import { describeEntry, type Entry, sayEntry } from "./entry.ts";
import { acts, cases, words } from "./words.ts";

const entry: Entry = {
  entry_id: "aud_1",
  user_id: "user_ada",
  created_at: "2026-01-01T00:00:00.000Z",
  actor_id: "user_ada",
  key_id: "key_1",
  action: "api_key.delete",
  target: "key_2",
  outcome: "done",
  source: { type: "http", address: "203.0.113.9", user_agent: "curl/8", request_id: "r" },
  details: {},
};
const names = {
  own: "user_me",
  user: (id: string) => ({ user_ada: "Ada", user_bob: "Bob" })[id] ?? null,
  key: (id: string) => ({ key_1: "laptop", key_2: "phone" })[id] ?? null,
};

function say(change: Partial<Entry>, language: "en" | "zh" = "en"): string {
  const said = sayEntry(
    { ...entry, ...change },
    { acts: acts[language], cases: cases[language], words: words[language] },
    names,
  );
  return said.replaceAll(/[\u2068\u2069]/g, "");
}

describe("an entry of the audit", () => {
  it("is a sentence with the names of who and what, in both languages", () => {
    expect(say({})).toBe("Ada deleted the key “phone”");
    expect(say({}, "zh")).toBe("Ada 删除了密钥“phone”");
    expect(say({ target: "key_9" }, "zh")).toBe("Ada 删除了密钥 key_9");
    expect(say({ action: "session.create", actor_id: "user_me", user_id: "user_me" }, "zh")).toBe("你登录了");
    expect(say({ action: "user.disable", user_id: "user_bob", target: "user_bob" })).toBe(
      "Ada disabled the user “Bob”",
    );
    expect(say({ action: "session.create", target: "sess_1" })).toBe("Ada signed in");
    expect(say({ action: "git_credential.set", target: "github.com" })).toBe(
      "Ada saved the Git credential for github.com",
    );
  });

  it("says of a cap that it was raised or not, since no tool call is behind the question", () => {
    const cap = { target: "int_budget_inv_1", details: { tool: null, thread_id: "t", invocation_id: "inv_1" } };
    expect(say({ ...cap, action: "approval.approve" })).toBe("Ada raised the limit of run inv_1");
    expect(say({ ...cap, action: "approval.approve" }, "zh")).toBe("Ada 提高了运行上限：inv_1");
    expect(say({ ...cap, action: "approval.deny" })).toBe("Ada declined to raise the limit of run inv_1");
    expect(say({ ...cap, action: "approval.deny", outcome: "refused" }, "zh")).toBe("Ada 试图拒绝提高运行上限：inv_1");
  });

  it("says of finished work whether somebody was content", () => {
    const work = { target: "int_chk_1", details: { tool: null, thread_id: "t", invocation_id: "inv_1" } };
    expect(say({ ...work, action: "approval.approve" })).toBe("Ada said yes to the finished work of run inv_1");
    expect(say({ ...work, action: "approval.deny" }, "zh")).toBe("Ada 没有认可运行的成果：inv_1");
  });

  it("names what is gone by its name in the entry, or by its id", () => {
    expect(say({ target: "key_9", details: { name: "old" } })).toBe("Ada deleted the key “old”");
    expect(say({ target: "key_9" })).toBe("Ada deleted the key key_9");
    expect(say({ actor_id: "user_eve", user_id: "user_eve" })).toBe("user_eve deleted the key “phone”");
  });

  it("says whose account it is where somebody else acted", () => {
    expect(say({ user_id: "user_bob" })).toBe("Ada deleted the key “phone” (Bob's account)");
    expect(say({ actor_id: "user_me", user_id: "user_bob" }, "zh")).toBe("你删除了密钥“phone”（Bob 的账户）");
  });

  it("claims only what happened", () => {
    expect(say({ outcome: "refused" })).toBe("Ada tried to delete the key “phone”");
    expect(say({ outcome: null }, "zh")).toBe("Ada 试图删除密钥“phone”");
    const refused = { action: "sign_in.refuse", actor_id: null, user_id: null, target: null } as const;
    expect(say(refused)).toBe("Someone was refused sign-in");
    expect(say({ ...refused, user_id: "user_bob" })).toBe("Bob was refused sign-in");
  });

  it("says of a first sign-in who it was", () => {
    const first = {
      actor_id: null,
      user_id: "user_bob",
      target: "user_bob",
      details: { first_sign_in: true },
    } as const;
    expect(say({ ...first, action: "user.create" })).toBe("Bob signed in for the first time");
    expect(say({ ...first, action: "user.update", user_id: "user_me" }, "zh")).toBe("你首次登录");
    expect(say({ ...first, action: "user.create", outcome: "refused" })).toBe(
      "Bob tried to sign in for the first time",
    );
  });

  it("names no key that was never made", () => {
    const refused = { action: "api_key.create", target: null, outcome: "refused" } as const;
    expect(say(refused)).toBe("Ada tried to create a key");
  });

  it("tells the ends of sessions apart", () => {
    const end = { action: "session.delete", target: "sess_1" } as const;
    expect(say(end)).toBe("Ada ended the session");
    expect(say({ ...end, details: { reason: "sign_out" } })).toBe("Ada signed out");
    expect(say({ ...end, target: null, user_id: "user_bob" })).toBe("Ada ended all sessions (Bob's account)");
    expect(say({ target: "sess_1", user_id: "user_bob" })).toBe("Ada ended the session (Bob's account)");
    expect(say({ ...end, actor_id: null, details: { reason: "copied_cookie" } })).toBe("The server ended the session");
  });

  it("says who it was without an account", () => {
    const slack = { type: "slack", team_id: "T", slack_user_id: "U" } as const;
    expect(say({ source: slack, actor_id: null, action: "approval.deny", details: { tool: "shell" } })).toBe(
      "Someone in Slack declined the tool call “shell”",
    );
    const agent = { type: "agent", thread_id: "t", invocation_id: "i" } as const;
    expect(say({ source: agent, action: "preview.create", target: "3000" })).toBe(
      "The agent created a link to port 3000",
    );
    expect(say({ source: { type: "server" }, actor_id: null })).toBe("The server deleted the key “phone”");
  });

  it("of a later server is said by its name", () => {
    expect(say({ action: "moon.land", target: null, source: { type: "unknown" } })).toBe("Ada did “moon.land”");
    expect(say({ action: "toString", target: null })).toBe("Ada did “toString”");
  });

  it("has from where, by what, which fields and why not", () => {
    const describe = (change: Partial<Entry>) => describeEntry({ ...entry, ...change }, words.en, names);
    const plain = (lines: string[]) => lines.map((line) => line.replaceAll(/[\u2068\u2069]/g, ""));
    expect(plain(describe({ details: { fields: "name" } }))).toEqual([
      "with the key laptop",
      "from 203.0.113.9",
      "fields: name",
    ]);
    expect(plain(describe({ key_id: null, details: { made: "revoke", code: "not_allowed", email: "a@b.c" } }))).toEqual(
      ["from 203.0.113.9", "including what it created", "with the email a@b.c", "reason: not_allowed"],
    );
    expect(describe({ key_id: "admin_key", source: { type: "server" } })).toEqual(["with the admin key"]);
    expect(
      describe({ key_id: "sess_1", source: { type: "server" }, outcome: "refused", details: { code: "not_found" } }),
    ).toEqual(["in a session", "reason: not_found"]);
  });
});

it("who may spend how much is shown as it was set, and not only that a user was changed", () => {
  const details = { fields: "caps,quotas", caps: '{"day":{"max_cost_usd":20}}', quotas: '{"threads":5}' };
  const changed: Entry = { ...entry, action: "user.update", target: "user_bob", details };
  const parts = describeEntry(changed, words.en, names);
  expect(parts).toEqual(expect.arrayContaining(['limits: {"day":{"max_cost_usd":20}}', 'quotas: {"threads":5}']));
  expect(describeEntry(changed, words.zh, names)).toContain('上限：{"day":{"max_cost_usd":20}}');
});
