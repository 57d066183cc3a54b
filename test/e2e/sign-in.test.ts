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

  it("works after the issuer has changed its keys, ten seconds later at the latest", async () => {
    expect((await signIn(stage, "noa")).place).toBe("/");
    await stage.issuer.begin();
    await expect.poll(async () => (await signIn(stage, "noa")).place, { interval: 1_000 }).toBe("/");
    expect(await userOf("noa@example.com")).toHaveLength(1);
  });

  it("finds emails that the issuer gives only when asked, and proves itself in each way", async () => {
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
