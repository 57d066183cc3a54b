// Users and the audit in the settings of an admin, and the page of a key that manages users and nothing else.
import type { BrowserContextOptions, Page } from "playwright-core";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { listViolations } from "../setup/axe.ts";
import { hasBrowser } from "../setup/browser.ts";
import { type Answers, answerForPeople } from "../setup/people-answers.ts";
import { openVisitors, type Visitors } from "./web-visitors.ts";

let people: Visitors;

const usual = { locale: "en-GB", viewport: { width: 1280, height: 800 }, reducedMotion: "reduce" } as const;
const widthOver = (page: Page): Promise<number> =>
  page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth");

interface User {
  user_id: string;
  name: string | null;
  email: string | null;
  role: string | null;
  state: string;
  created_at: string | null;
  disabled_at: string | null;
  deleted_at: string | null;
}

const time = "2026-01-02T10:00:00.000Z";
const some: User = {
  ...{ user_id: "user_ada", name: "Ada", email: "ada@example.com", role: "admin", state: "active" },
  ...{ created_at: time, disabled_at: null, deleted_at: null },
};
const key = {
  ...{ key_id: "key_laptop", name: "laptop", created_at: time, made_by: null, scopes: null },
  ...{ expires_at: null, last_used_at: time },
};

/** Accounts in memory, changed as the server changes them. */
function keepUsers(answers: Answers): User[] {
  const users: User[] = [
    some,
    { ...some, user_id: "user_bob", name: "Bob", email: "bob@example.com", role: null },
    { ...some, user_id: "user_eve", name: null, email: null, role: null, state: "disabled", disabled_at: time },
    { ...some, user_id: "user_first", name: null, email: null, role: null, created_at: null },
  ];
  let keys = [key];
  let sessions = 2;
  const find = (path: string) => users.find(({ user_id }) => path.split("/")[3] === user_id) ?? some;
  const more = { threads: 40, projects: 3, triggers: 1, webhooks: 0, slack_workspaces: 0 };
  const change = (path: string, patch: Partial<User>): User => Object.assign(find(path), patch);
  answers.more = {
    "GET /v1/users": ({ query }) => ({
      data: users.filter(({ state }) => (query.get("state") ?? state) === state),
      next_cursor: null,
    }),
    "POST /v1/users": ({ body }) => {
      const made = { ...some, user_id: "user_new", name: null, email: null, role: null, ...body } as User;
      users.unshift(made);
      return { ...made, api_key: "tl_secret" };
    },
    "GET /v1/users/*": ({ path }) => ({ ...find(path), counts: { api_keys: keys.length, sessions, ...more } }),
    "PATCH /v1/users/*": ({ path, body: { disabled, ...patch } }) => {
      if (disabled === undefined) return change(path, patch);
      return change(path, disabled ? { state: "disabled", disabled_at: time } : { state: "active", disabled_at: null });
    },
    "DELETE /v1/users/*": ({ path }) => change(path, { state: "deleting", deleted_at: time }),
    "GET /v1/users/*/api-keys": () => ({ data: keys, next_cursor: null }),
    "DELETE /v1/users/*/api-keys/*": () => {
      keys = [];
    },
    "DELETE /v1/users/*/sessions": () => {
      sessions = 0;
    },
  };
  return users;
}

async function enter(scopes: string[], place: string, options: BrowserContextOptions = {}) {
  const context = await people.stage.browser.newContext({ ...usual, ...options });
  context.setDefaultTimeout(60_000);
  const me = { user_id: "user_ada", name: "Ada", scopes };
  const answers = await answerForPeople(context, { key: people.stage.server.key, me });
  answers.isSignedIn = true;
  const users = keepUsers(answers);
  const page = await context.newPage();
  const complaints: string[] = [];
  page.on("pageerror", (error) => complaints.push(error.message));
  page.on("console", (message) => {
    if (message.type() === "error") complaints.push(message.text());
  });
  await page.goto(`${people.origin}/${place}`);
  return { page, answers, users, complaints, close: () => context.close() };
}

const admin = ["read", "run", "write", "admin"];
const sent = ({ asked }: Answers) =>
  asked
    .filter(({ method, path }) => method !== "GET" && path.startsWith("/v1/users"))
    .map(({ method, path, query, body }) => [`${method} ${path}${query.size > 0 ? `?${query}` : ""}`, body]);

beforeAll(async () => {
  if (hasBrowser) people = await openVisitors();
});
afterAll(async () => {
  await people?.close();
});

describe.skipIf(!hasBrowser)("users in the settings", () => {
  it("are listed with their state, found by name, e-mail or id, and made with a key that is shown once", async () => {
    const { page, answers, complaints, close } = await enter(admin, "#settings=users");
    const settings = page.getByRole("dialog", { name: "Settings" });
    const row = (name: string) => settings.getByRole("listitem").filter({ hasText: name });
    await row("Ada").getByText("You", { exact: true }).waitFor();
    await row("Ada").getByText("user_ada · ada@example.com · created 2").waitFor();
    await row("user_eve").getByText("Disabled").waitFor();
    expect(await listViolations(page, "[role=dialog]")).toEqual([]);
    const rows = () =>
      settings
        .getByRole("listitem")
        .filter({ has: page.locator("button[dir=auto]") })
        .count();
    await settings.getByLabel("Search by name, email or ID").fill("BOB@ex");
    await expect.poll(rows).toBe(1);
    await settings.getByLabel("Search by name, email or ID").fill("nobody");
    await settings.getByText("No matching users.").waitFor();
    await settings.getByLabel("Search by name, email or ID").fill("");
    await settings.getByLabel("Status").selectOption("Disabled");
    await expect.poll(rows).toBe(1);
    await settings.getByLabel("Status").selectOption("All users");
    await settings.getByRole("button", { name: "New user" }).click();
    await settings.getByLabel("Name", { exact: true }).fill("Grace");
    await settings.getByLabel("Email", { exact: true }).fill("grace@example.com");
    await settings.getByLabel("Admin", { exact: true }).check();
    expect(await listViolations(page, "[role=dialog]")).toEqual([]);
    await settings.getByRole("button", { name: "Create user" }).click();
    await settings.getByText("First API key of Grace").waitFor();
    await settings.getByText("tl_secret").waitFor();
    await row("Grace").getByText("Admin", { exact: true }).waitFor();
    expect(sent(answers)).toEqual([["POST /v1/users", { name: "Grace", email: "grace@example.com", role: "admin" }]]);
    expect(complaints).toEqual([]);
    await close();
  });

  it("are disabled and enabled, signed out, changed, and lose a key with what it made, all with the keyboard", async () => {
    const { page, answers, complaints, close } = await enter(admin, "#settings=users");
    const settings = page.getByRole("dialog", { name: "Settings" });
    const press = async (name: string, within = settings): Promise<void> => {
      await within.getByRole("button", { name, exact: true }).press("Enter");
    };
    await press("Bob");
    await settings.getByText("API keys: 1 · Sessions: 2 · Conversations: 40 · Projects: 3").waitFor();
    await settings.getByText("Active", { exact: true }).waitFor();
    expect(await listViolations(page, "[role=dialog]")).toEqual([]);
    await press("Disable");
    const disable = page.getByRole("dialog", { name: "Disable this user?" });
    await disable.getByText("Within 15 seconds, everything that belongs to Bob stops working").waitFor();
    await press("Disable", disable);
    await settings.getByText("Disabled", { exact: true }).waitFor();
    await press("Enable");
    await settings.getByText("Active", { exact: true }).waitFor();
    await press("End all sessions");
    await press("End all sessions", page.getByRole("dialog", { name: "End all sessions of this user?" }));
    await settings.getByText("Sessions: 0").waitFor();
    await press("Delete laptop");
    const question = page.getByRole("dialog", { name: "Delete this API key?" });
    await question.getByLabel("Revoke what it created").focus();
    await page.keyboard.press("Space");
    await press("Delete", question);
    await settings.getByText("No API keys.").waitFor();
    await press("Edit");
    await settings.getByLabel("Name", { exact: true }).fill("Robert");
    await page.keyboard.press("Enter");
    await settings.getByRole("heading", { name: "Robert" }).waitFor();
    expect(sent(answers)).toEqual([
      ["PATCH /v1/users/user_bob", { disabled: true }],
      ["PATCH /v1/users/user_bob", { disabled: false }],
      ["DELETE /v1/users/user_bob/sessions", {}],
      ["DELETE /v1/users/user_bob/api-keys/key_laptop?made=revoke", {}],
      ["PATCH /v1/users/user_bob", { name: "Robert" }],
    ]);
    expect(complaints).toEqual([]);
    await close();
  });

  it("are deleted once the id is typed, which says what goes, on a phone in Chinese and the dark", async () => {
    const viewport = { width: 360, height: 640 };
    const options = { locale: "zh-CN", viewport, colorScheme: "dark" } as const;
    const { page, answers, complaints, close } = await enter(admin, "#settings=users", options);
    const settings = page.getByRole("dialog", { name: "设置" });
    await settings.getByRole("button", { name: "Bob", exact: true }).click();
    await settings.getByRole("button", { name: "删除", exact: true }).click();
    const question = page.getByRole("dialog", { name: "删除这个用户？" });
    await question.getByText("对话：40").waitFor();
    expect(await listViolations(page, "[role=dialog]")).toEqual([]);
    const confirm = question.getByRole("button", { name: "删除", exact: true });
    expect(await confirm.isDisabled()).toBe(true);
    await question.getByLabel("请输入“user_bob”以确认").fill("user_bo");
    expect(await confirm.isDisabled()).toBe(true);
    await question.getByLabel("请输入“user_bob”以确认").fill("user_bob");
    expect(await question.evaluate((element) => element.scrollWidth - element.clientWidth)).toBe(0);
    expect(await widthOver(page)).toBe(0);
    await confirm.click();
    await settings.getByText("正在删除…", { exact: true }).waitFor();
    expect(await settings.getByRole("button", { name: /^(停用|编辑|删除)$/ }).count()).toBe(0);
    expect(sent(answers)).toEqual([["DELETE /v1/users/user_bob", {}]]);
    expect(complaints).toEqual([]);
    await close();
  });

  it("can't disable, demote or delete the account that they use", async () => {
    const { page, close } = await enter(admin, "#settings=users");
    const settings = page.getByRole("dialog", { name: "Settings" });
    await settings.getByRole("button", { name: "Ada", exact: true }).click();
    await settings.getByText("You are signed in with this account").waitFor();
    for (const name of ["Disable", "Delete"]) {
      expect(await settings.getByRole("button", { name, exact: true }).count()).toBe(0);
    }
    await settings.getByRole("button", { name: "Edit" }).click();
    expect(await settings.getByLabel("Admin", { exact: true }).isDisabled()).toBe(true);
    await close();
  });

  it("are not shown to whoever may not manage them", async () => {
    const { page, close } = await enter(["read", "run", "write"], "#settings=users");
    const settings = page.getByRole("dialog", { name: "Settings" });
    await settings.getByRole("heading", { name: "API keys" }).waitFor();
    expect(await settings.getByRole("button", { name: "Users" }).count()).toBe(0);
    await settings.getByRole("button", { name: "Audit log" }).waitFor();
    await close();
  });
});

describe.skipIf(!hasBrowser)("the audit in the settings", () => {
  const entry = {
    ...{ entry_id: "aud_3", user_id: "user_bob", created_at: time, actor_id: "user_ada", key_id: "sess_1" },
    ...{ action: "api_key.delete", target: "key_9", outcome: "done", details: { name: "laptop" } },
    source: { type: "http", address: "203.0.113.9", user_agent: "curl/8", request_id: "r" },
  };
  const entries = [
    entry,
    {
      ...entry,
      entry_id: "aud_2",
      actor_id: "user_bob",
      key_id: "admin_key",
      outcome: "refused",
      details: { code: "not_found" },
    },
    { ...entry, entry_id: "aud_1", action: "session.create", actor_id: "user_bob", outcome: null, details: {} },
  ];

  it("says in sentences who did what, for an admin of everybody, and is filtered", async () => {
    const { page, answers, complaints, close } = await enter(admin, "#settings=users");
    answers.more["GET /v1/audit"] = () => ({ data: entries, next_cursor: null });
    const settings = page.getByRole("dialog", { name: "Settings" });
    const rows = async () =>
      (await settings.getByRole("listitem").allTextContents())
        .map((text) => text.replaceAll(/[\u2068\u2069]/g, ""))
        .filter((text) => / (deleted|tried) /.test(text));
    await settings.getByRole("button", { name: "Bob", exact: true }).click();
    await settings.getByRole("button", { name: "Audit log of this user" }).click();
    await expect.poll(rows).toHaveLength(3);
    const first = /^You deleted the key “laptop” \(Bob's account\).* · in a session · from 203\.0\.113\.9$/;
    // The names come with another answer.
    await expect.poll(async () => (await rows())[0]).toMatch(first);
    const said = await rows();
    expect(said[1]).toMatch(
      /^Bob tried to delete the key key_9Refused.* · with the admin key · .* · reason: not_found$/,
    );
    expect(said[2]).toMatch(/^Bob tried to sign inOutcome unknown/);
    expect(await listViolations(page, "[role=dialog]")).toEqual([]);
    const last = () => answers.asked.findLast(({ path }) => path === "/v1/audit")?.query.toString();
    expect(last()).toBe("limit=50&user_id=user_bob");
    await settings.getByLabel("Account").selectOption("All accounts");
    await settings.getByLabel("Action").selectOption("delete the key");
    await settings.getByLabel("From").fill("2026-01-31");
    await expect.poll(last).toMatch(/^limit=50&action=api_key\.delete&since=2026-01-3/);
    expect(await page.evaluate("location.hash")).toBe("#settings=audit");
    expect(complaints).toEqual([]);
    await close();
  });

  it("is one's own for everybody else, on a phone in Chinese", async () => {
    const options = { locale: "zh-CN", viewport: { width: 360, height: 640 } };
    const { page, answers, close } = await enter(["read", "run", "write"], "#settings=audit+user_bob", options);
    answers.more["GET /v1/audit"] = () => ({ data: [{ ...entry, actor_id: "user_ada", user_id: "user_ada" }] });
    await page.reload();
    const settings = page.getByRole("dialog", { name: "设置" });
    await settings.getByText(/你删除了密钥“.?laptop.?”/).waitFor();
    expect(await settings.getByLabel("账户").count()).toBe(0);
    expect(answers.asked.findLast(({ path }) => path === "/v1/audit")?.query.toString()).toBe("limit=50");
    expect(await widthOver(page)).toBe(0);
    expect(await settings.evaluate((element) => element.scrollWidth - element.clientWidth)).toBe(0);
    await close();
  });
});

describe.skipIf(!hasBrowser)("a key that only manages users", () => {
  it("leads to the users and the audit, asks for nothing else, and says so", async () => {
    const { page, answers, complaints, close } = await enter(["admin"], "");
    await page.getByText("Your API key can only manage users.").waitFor();
    expect(await listViolations(page)).toEqual([]);
    expect(await page.getByRole("button", { name: "New conversation" }).count()).toBe(0);
    await page.getByRole("button", { name: "Users" }).click();
    const settings = page.getByRole("dialog", { name: "Settings" });
    await settings.getByRole("button", { name: "Bob", exact: true }).waitFor();
    await settings.getByText("Your API key can only manage users.").waitFor();
    const sections = settings.getByRole("navigation").getByRole("button");
    expect(await sections.allTextContents()).toEqual(["Users", "Usage", "Audit log"]);
    const asked = new Set(answers.asked.map(({ path }) => path));
    expect([...asked].toSorted()).toEqual(["/healthz", "/v1/users", "/v1/users/me"]);
    expect(complaints).toEqual([]);
    await close();
  });

  it("is what the admin key becomes when it makes the first own key, which the page warns of and continues with", async () => {
    const { stage, origin } = people;
    const context = await stage.browser.newContext(usual);
    context.setDefaultTimeout(60_000);
    const page = await context.newPage();
    // As the server answers of the admin key, before and after it has made one.
    let isFirst = true;
    await context.route("**/v1/users/me", async (route) => {
      const me = (await (await route.fetch()).json()) as object;
      const isAdminKey = route.request().headers().authorization === `Bearer ${stage.server.key}`;
      const scopes = isFirst ? admin : ["admin"];
      return route.fulfill({ json: isAdminKey ? { ...me, is_admin: true, key_id: "admin_key", scopes } : me });
    });
    await page.goto(`${origin}/#key=${encodeURIComponent(stage.server.key)}&settings=keys`);
    const settings = page.getByRole("dialog", { name: "Settings" });
    const make = async (name: string): Promise<void> => {
      await settings.getByRole("button", { name: "New key" }).click();
      await settings.getByText("From then on, ADMIN_API_KEY only manages users").waitFor();
      await settings.getByLabel("Read-only").check();
      expect(await settings.getByText("From then on, ADMIN_API_KEY only manages users").count()).toBe(0);
      await settings.getByLabel("Full access").check();
      await settings.getByLabel("Name").fill(name);
      await settings.getByRole("button", { name: "Create key" }).click();
      await settings.getByText("The admin key now only manages users.").waitFor();
    };
    await make("first own key");
    expect(await listViolations(page, "[role=dialog]")).toEqual([]);
    await settings.getByRole("button", { name: "Sign in with this key" }).click();
    await settings.getByText("Current key").waitFor();
    const stored = await page.evaluate<string>("localStorage.getItem('taskloom key')");
    expect(stored).toMatch(/^tl_/);
    // Whoever does not continue with it continues with what the admin key may do.
    await page.evaluate(`location.hash = "key=${encodeURIComponent(stage.server.key)}&settings=keys"`);
    await page.getByRole("button", { name: "Use the key in the link" }).click();
    await make("second");
    isFirst = false;
    await settings.getByRole("button", { name: "Done" }).click();
    await settings.getByRole("heading", { name: "Users" }).waitFor();
    await page.getByText("Your API key can only manage users.").first().waitFor();
    await context.close();
  });
});
