// Signing in at a real issuer, as a browser does it step by step: who becomes which user, and whom the server refuses.
import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from "vitest";
import { readSignInSettings } from "../../src/config/sign-in.ts";
import { createIssuer } from "../../src/sign-in/issuer.ts";
import { logoutAddress } from "../../src/sign-in/logout.ts";
import { openCookieClient, targetOf } from "../setup/cookie-client.ts";
import { approve, comeBack, openSignInStage, type SignInStage, signIn } from "./sign-in-steps.ts";

let stage: SignInStage;

const attemptsOf = (client: ReturnType<typeof openCookieClient>) =>
  [...client.cookiesOf(stage.taskloom.url).keys()].filter((name) => name.startsWith("taskloom-sign-in-"));
const begin = async (client = openCookieClient()) => {
  const { url } = stage.taskloom;
  const begun = await client.get(`${url}/auth/sign-in`);
  return { client, begun, page: targetOf(begun, url) };
};
const userOf = async (email: string) => (await stage.users()).filter((user) => user.email === email);

describe("signing in with OpenID Connect", () => {
  beforeAll(async () => {
    stage = await openSignInStage();
    for (const name of ["ada", "bob", "eve", "kim", "lea", "max", "noa", "ola", "pia"]) {
      stage.issuer.accounts.set(name, { email: `${name}@example.com`, email_verified: true, name: name.toUpperCase() });
    }
  });
  afterAll(async () => {
    await stage?.close();
  });
  afterEach(() => {
    vi.useRealTimers();
  });

  it("is offered on /healthz by the name of the settings", async () => {
    const health = await (await fetch(`${stage.taskloom.url}/healthz`)).json();
    expect(health).toMatchObject({ sign_in: { name: "Example Inc." } });
  });

  it("makes a user the first time and finds the same one the second time", async () => {
    const first = await signIn(stage, "ada", { return_to: "/#thread=mine" });
    expect([first.response.status, first.place]).toEqual([303, "/#thread=mine"]);
    expect(first.session).toMatch(/.{20}/);
    const [user, ...others] = await userOf("ada@example.com");
    expect(user).toMatchObject({ name: "ADA", identity: expect.stringMatching(/^[0-9a-f]{64}$/) });
    const second = await signIn(stage, "ada");
    expect(second.place).toBe("/");
    expect(second.session).not.toBe(first.session);
    expect([...others, ...(await userOf("ada@example.com"))]).toEqual([user]);
    const entries = (await stage.audit()).filter(({ user_id }) => user_id === user?.user_id);
    expect(entries.map(({ action, outcome }) => [action, outcome])).toEqual([
      ["user.create", "done"],
      ["session.create", "done"],
      ["session.create", "done"],
    ]);
  });

  it("begins with cookies that scripts and other sites don't get, and nothing in the database", async () => {
    const { begun, client } = await begin();
    const [cookie = ""] = begun.headers.getSetCookie();
    expect(cookie).toMatch(/^taskloom-sign-in-[\w-]{12}=[\w-]+; Path=\/; Max-Age=600; HttpOnly; SameSite=Lax$/);
    expect(begun.headers.get("cache-control")).toBe("no-store");
    const database = await stage.taskloom.runtime.database();
    const count = await database.prepare("SELECT count(*) AS rows FROM tickets").first();
    expect(count).toEqual({ rows: 0 });
    expect(attemptsOf(client)).toHaveLength(1);
  });

  it("refuses a callback's address that was used, and a code that was used", async () => {
    const { client, page } = await begin();
    const kept = new Map(client.cookiesOf(stage.taskloom.url));
    const { url } = stage.taskloom;
    const callback = await approve(client, page, "ada", `${url}/auth/callback`);
    expect((await comeBack(url, client, callback)).place).toBe("/");
    client.cookiesOf(url).delete("taskloom-session");
    expect((await comeBack(url, client, callback)).place).toBe("/?sign_in=expired");
    // A browser that keeps its cookie of the attempt: the issuer knows that the code was used.
    for (const [name, value] of kept) client.cookiesOf(url).set(name, value);
    const again = await comeBack(url, client, callback);
    expect([again.place, again.session]).toEqual(["/?sign_in=expired", undefined]);
  });

  it("refuses the callback in another browser, and one with another attempt's state", async () => {
    const { url } = stage.taskloom;
    const mine = await begin();
    const callback = await approve(mine.client, mine.page, "ada", `${url}/auth/callback`);
    const stranger = await comeBack(url, openCookieClient(), callback);
    expect([stranger.place, stranger.session]).toEqual(["/?sign_in=expired", undefined]);
    // Someone's own code in another's browser would sign them in as somebody else.
    const victim = await begin();
    const state = new URL(victim.page).searchParams.get("state") ?? "";
    const forged = new URL(callback);
    forged.searchParams.set("state", state);
    const lured = await comeBack(url, victim.client, forged.href);
    expect([lured.place, lured.session]).toEqual(["/?sign_in=expired", undefined]);
    const wrong = new URL(callback);
    wrong.searchParams.set("state", `${wrong.searchParams.get("state")}x`);
    expect((await comeBack(url, mine.client, wrong.href)).place).toBe("/?sign_in=expired");
  });

  it("works in two tabs at once, and keeps five attempts at most", async () => {
    const { url } = stage.taskloom;
    const client = openCookieClient();
    const [one, two] = [await begin(client), await begin(client)];
    const callback = await approve(client, two.page, "ada", `${url}/auth/callback`);
    expect((await comeBack(url, client, callback)).place).toBe("/");
    const other = await approve(client, one.page, "ada", `${url}/auth/callback`);
    expect((await comeBack(url, client, other)).place).toBe("/");
    expect(attemptsOf(client)).toEqual([]);
    for (let tab = 0; tab < 9; tab++) await begin(client);
    expect(attemptsOf(client)).toHaveLength(5);
  });

  it("takes an answer of that issuer only", async () => {
    const { url } = stage.taskloom;
    for (const iss of ["https://other.example", null]) {
      const { client, page } = await begin();
      const callback = new URL(await approve(client, page, "ada", `${url}/auth/callback`));
      expect(callback.searchParams.get("iss")).toBe(stage.issuer.url);
      if (iss === null) callback.searchParams.delete("iss");
      else callback.searchParams.set("iss", iss);
      const back = await comeBack(url, client, callback.href);
      expect([back.place, back.session]).toEqual(["/?sign_in=rejected", undefined]);
    }
  });

  it("says that a person cancelled at the issuer, and nothing that the issuer wrote", async () => {
    const { url } = stage.taskloom;
    const answers = [
      ["access_denied", "cancelled"],
      ["temporarily_unavailable", "unavailable"],
      ["<script>alert(1)</script>", "rejected"],
    ];
    for (const [error, code] of answers) {
      const { client, page } = await begin();
      const query = new URLSearchParams({ error: error ?? "", error_description: "<b>boo</b>", iss: stage.issuer.url });
      query.set("state", new URL(page).searchParams.get("state") ?? "");
      const back = await comeBack(url, client, `${url}/auth/callback?${query}`);
      expect([back.place, await back.response.text(), attemptsOf(client)]).toEqual([`/?sign_in=${code}`, "", []]);
    }
  });

  it("leads nowhere but to a path of this server", async () => {
    for (const return_to of ["//evil.example", "https://evil.example", "/\\evil.example", "/auth/sign-in"]) {
      expect((await signIn(stage, "ada", { return_to })).place).toBe("/");
    }
  });

  it("gives a fresh session, whatever session the browser brought", async () => {
    const client = openCookieClient();
    client.cookiesOf(stage.taskloom.url).set("taskloom-session", "chosen-by-an-attacker");
    const { session } = await signIn(stage, "ada", { client });
    expect(session).not.toBe("chosen-by-an-attacker");
  });

  it("refuses whose email is unverified or of another domain, and writes it down", async () => {
    const { accounts } = stage.issuer;
    accounts.set("unverified", { email: "bob@example.com", email_verified: false });
    accounts.set("silent", {});
    accounts.set("subdomain", { email: "x@sub.example.com", email_verified: true });
    accounts.set("stranger", { email: "x@evil.example", email_verified: true });
    const before = await stage.users();
    const codes: Record<string, string> = {};
    for (const name of ["unverified", "silent", "subdomain", "stranger"]) {
      const { place, session } = await signIn(stage, name);
      expect(session).toBeUndefined();
      codes[name] = place.replace("/?sign_in=", "");
    }
    expect(codes).toEqual({
      unverified: "no_email",
      silent: "no_email",
      subdomain: "not_allowed",
      stranger: "not_allowed",
    });
    expect(await stage.users()).toEqual(before);
    const entries = (await stage.audit()).filter(({ action }) => action === "sign_in.refuse").slice(-4);
    expect(entries.map(({ outcome, details }) => [outcome, details.code, details.email])).toEqual([
      ["done", "no_email", null],
      ["done", "no_email", null],
      ["done", "not_allowed", "x@sub.example.com"],
      ["done", "not_allowed", "x@evil.example"],
    ]);
  });

  it("becomes the user whom an admin made with that email, once", async () => {
    const { accounts } = stage.issuer;
    const database = await stage.taskloom.runtime.database();
    const insert = database.prepare("INSERT INTO users (user_id, name, created_at, email) VALUES (?1, ?2, ?3, ?4)");
    await insert.bind("user_guest", "Guest", "2026-01-01T00:00:00.000Z", "Guest@Elsewhere.example").run();
    accounts.set("impostor", { email: "guest@elsewhere.example", email_verified: false });
    expect((await signIn(stage, "impostor")).place).toBe("/?sign_in=no_email");
    accounts.set("guest", { email: "guest@elsewhere.example", email_verified: true, name: "Other" });
    expect((await signIn(stage, "guest")).place).toBe("/");
    const [user] = (await stage.users()).filter(({ user_id }) => user_id === "user_guest");
    expect(user).toMatchObject({ name: "Guest", identity: expect.stringMatching(/./) });
    // Another person with that email is another person.
    accounts.set("later", { email: "guest@elsewhere.example", email_verified: true });
    expect((await signIn(stage, "later")).place).toBe("/?sign_in=not_allowed");
    // The identity decides from then on, whatever the email is.
    accounts.set("guest", { email: "new@elsewhere.example", email_verified: true });
    expect((await signIn(stage, "guest")).place).toBe("/");
    accounts.set("guest", { email: "ada@example.com", email_verified: false });
    expect((await signIn(stage, "guest")).place).toBe("/");
    const [after] = (await stage.users()).filter(({ user_id }) => user_id === "user_guest");
    expect(after).toMatchObject({ email: "new@elsewhere.example", identity: user?.identity });
    // Of two users with one email, nobody knows which is meant.
    for (const id of ["user_twin1", "user_twin2"]) {
      await insert.bind(id, null, "2026-01-01T00:00:00.000Z", "twin@example.com").run();
    }
    accounts.set("twin", { email: "twin@example.com", email_verified: true });
    expect((await signIn(stage, "twin")).place).toBe("/?sign_in=not_allowed");
  });

  it("refuses disabled and deleted users, also before their first sign-in", async () => {
    const database = await stage.taskloom.runtime.database();
    const set = (column: string, email: string, at: string | null) =>
      database.prepare(`UPDATE users SET ${column} = ?1 WHERE email = ?2`).bind(at, email).run();
    const now = new Date().toISOString();
    expect((await signIn(stage, "kim")).place).toBe("/");
    await set("disabled_at", "kim@example.com", now);
    const refused = await signIn(stage, "kim");
    expect([refused.place, refused.session]).toEqual(["/?sign_in=disabled", undefined]);
    await set("disabled_at", "kim@example.com", null);
    expect((await signIn(stage, "kim")).place).toBe("/");
    await set("deleted_at", "kim@example.com", now);
    const deleted = await signIn(stage, "kim");
    expect([deleted.place, deleted.session]).toEqual(["/?sign_in=not_allowed", undefined]);
    expect(await userOf("kim@example.com")).toHaveLength(1);
    await database
      .prepare("INSERT INTO users (user_id, created_at, email, disabled_at) VALUES ('user_lea', ?1, ?2, ?1)")
      .bind(now, "lea@example.com")
      .run();
    expect((await signIn(stage, "lea")).place).toBe("/?sign_in=disabled");
    expect((await userOf("lea@example.com"))[0]?.identity).toBeNull();
  });

  it("makes one user of two first sign-ins at the same moment", async () => {
    const { url } = stage.taskloom;
    const browsers = await Promise.all(
      Array.from({ length: 4 }, async () => {
        const { client, page } = await begin();
        return { client, callback: await approve(client, page, "max", `${url}/auth/callback`) };
      }),
    );
    const all = await Promise.all(browsers.map(({ client, callback }) => comeBack(url, client, callback)));
    expect(all.map(({ place }) => place)).toEqual(["/", "/", "/", "/"]);
    expect(await userOf("max@example.com")).toHaveLength(1);
  });

  it("works after the issuer has changed its keys, ten seconds later at the latest", async () => {
    expect((await signIn(stage, "noa")).place).toBe("/");
    await stage.issuer.begin();
    await expect.poll(async () => (await signIn(stage, "noa")).place, { interval: 1_000 }).toBe("/");
    expect(await userOf("noa@example.com")).toHaveLength(1);
  });

  it("finds emails that the issuer tells only when asked, and proves itself in each way", async () => {
    await stage.issuer.begin({ emails_in_token: false, proof: "client_secret_post" });
    await stage.taskloom.runtime.restart();
    expect((await signIn(stage, "ola")).place).toBe("/");
    expect(await userOf("ola@example.com")).toHaveLength(1);
    expect(stage.issuer.asked).toContain("/me");
    const { settings } = stage.taskloom;
    await stage.issuer.begin({ emails_in_token: true, proof: "none" });
    await stage.taskloom.runtime.restart({ ...settings, OIDC_CLIENT_SECRET: "" });
    expect((await signIn(stage, "pia")).place).toBe("/");
    await stage.issuer.begin({ proof: "client_secret_basic" });
    await stage.taskloom.runtime.restart();
  });

  it("bears a minute between the clocks in both directions, and not five", async () => {
    const placeAt = async (minutes: number) => {
      vi.useFakeTimers({ toFake: ["Date"], now: Date.now() + minutes * 60_000 });
      const { place } = await signIn(stage, "bob");
      vi.useRealTimers();
      return place;
    };
    expect(await placeAt(0.8)).toBe("/");
    expect(await placeAt(-0.8)).toBe("/");
    expect(await placeAt(5)).toBe("/?sign_in=rejected");
    // An ID token of this issuer holds for an hour.
    expect(await placeAt(-65)).toBe("/?sign_in=rejected");
  });

  it("ends at the issuer, too, on its own page, which leads back to a registered address only", async () => {
    const { settings } = readSignInSettings(stage.taskloom.settings);
    if (settings === null) throw new Error("no settings");
    const open = async (back: string) => {
      const address = (await logoutAddress(settings, back, createIssuer(settings))) ?? "";
      expect(address).toMatch(`${stage.issuer.url}/session/end`);
      const page = await fetch(address);
      return { status: page.status, text: await page.text() };
    };
    const page = await open(`${stage.taskloom.url}/`);
    expect([page.status, page.text]).toEqual([200, expect.stringMatching(/<form[\s\S]*session\/end\/confirm/)]);
    expect((await open("https://evil.example/")).status).toBe(400);
  });

  it("logs why it refused, and no secret", async () => {
    const { url } = stage.taskloom;
    const { client, page } = await begin();
    const callback = await approve(client, page, "ada", `${url}/auth/callback`);
    await comeBack(url, openCookieClient(), callback);
    const log = stage.taskloom.runtime.logs.join("\n");
    expect(log).toContain('"sign_in_failed"');
    for (const name of ["code", "state"]) expect(log).not.toContain(new URL(callback).searchParams.get(name));
    expect(log).not.toContain("secret-of-the-tests");
  });

  it("stops asking the issuer for somebody who fails again and again", async () => {
    const { url } = stage.taskloom;
    const places = new Set<string>();
    const asked = () => stage.issuer.asked.filter((path) => path === "/token").length;
    const before = asked();
    for (let tried = 0; tried < 60; tried++) {
      const { client, page } = await begin();
      const query = new URLSearchParams({ code: "guessed", iss: stage.issuer.url });
      query.set("state", new URL(page).searchParams.get("state") ?? "");
      places.add((await comeBack(url, client, `${url}/auth/callback?${query}`)).place);
    }
    expect([...places]).toEqual(["/?sign_in=expired", "/?sign_in=too_many"]);
    expect(asked() - before).toBeLessThan(45);
  });
});
