// Which user a person becomes who signs in at a real issuer, and who stays out.
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { openCookieClient, targetOf } from "../setup/cookie-client.ts";
import { approve, comeBack, openSignInStage, type SignInStage, signIn } from "./sign-in-steps.ts";

let stage: SignInStage;

const userOf = async (email: string) => (await stage.users()).filter((user) => user.email === email);

describe("the user of a person who signs in", () => {
  beforeAll(async () => {
    stage = await openSignInStage();
    for (const name of ["kim", "lea", "max"]) {
      stage.issuer.accounts.set(name, { email: `${name}@example.com`, email_verified: true });
    }
  });
  afterAll(async () => {
    await stage?.close();
  });

  it("is none where the email is unverified or of another domain, which is written down", async () => {
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

  it("is the one whom an admin made with that email, once", async () => {
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

  it("stays out while disabled and once deleted, also before the first sign-in", async () => {
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

  it("comes back only by an admin's hand, where the user was deleted before its person first signed in", async () => {
    const { accounts } = stage.issuer;
    const { taskloom } = stage;
    accounts.set("nia", { email: "nia@example.com", email_verified: true });
    for (const user_id of ["user_nia", "user_nia_again"]) {
      await taskloom.json("POST", "/v1/users", { user_id, email: "Nia@Example.com" });
      expect((await taskloom.request("DELETE", `/v1/users/${user_id}`)).status).toBe(202);
      // Once more, as by a script that got no answer.
      expect((await taskloom.request("DELETE", `/v1/users/${user_id}`)).status).toBe(202);
      const { place, session } = await signIn(stage, "nia");
      expect([place, session]).toEqual(["/?sign_in=not_allowed", undefined]);
    }
    expect(await userOf("nia@example.com")).toEqual([]);
    const refused = (await stage.audit()).filter(({ action }) => action === "sign_in.refuse").at(-1);
    expect(refused).toMatchObject({ user_id: "user_nia", details: { reason: "the user is deleted" } });
    await taskloom.json("POST", "/v1/users", { user_id: "user_nia_back", email: "nia@example.com" });
    expect((await signIn(stage, "nia")).place).toBe("/");
    expect(await userOf("nia@example.com")).toMatchObject([{ user_id: "user_nia_back" }]);
    expect(await userOf("Nia@Example.com")).toEqual([]);
  });

  it("is none while a user with that email is disabled, also for a new account at the issuer", async () => {
    const { accounts } = stage.issuer;
    const { taskloom } = stage;
    for (const name of ["oda", "oda-anew"]) {
      accounts.set(name, { email: "oda@example.com", email_verified: true });
    }
    expect((await signIn(stage, "oda")).place).toBe("/");
    const [oda] = await userOf("oda@example.com");
    await taskloom.json("PATCH", `/v1/users/${oda?.user_id}`, { disabled: true });
    expect((await signIn(stage, "oda-anew")).place).toBe("/?sign_in=disabled");
    expect(await userOf("oda@example.com")).toHaveLength(1);
    expect((await stage.audit()).at(-1)).toMatchObject({ action: "sign_in.refuse", user_id: oda?.user_id });
  });

  it("is one, also of several first sign-ins at the same moment", async () => {
    const { url } = stage.taskloom;
    const browsers = await Promise.all(
      Array.from({ length: 4 }, async () => {
        const client = openCookieClient();
        const page = targetOf(await client.get(`${url}/auth/sign-in`), url);
        return { client, callback: await approve(client, page, "max", `${url}/auth/callback`) };
      }),
    );
    const all = await Promise.all(browsers.map(({ client, callback }) => comeBack(url, client, callback)));
    expect(all.map(({ place }) => place)).toEqual(["/", "/", "/", "/"]);
    expect(await userOf("max@example.com")).toHaveLength(1);
  });
});
