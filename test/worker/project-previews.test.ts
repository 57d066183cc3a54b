// Links to ports in D1: how they are kept, replaced and revoked, with sandboxes that only record their calls.
import { env } from "cloudflare:test";
import { describe, expect, it } from "vitest";
import { readCachedPreview, readPreviews } from "../../src/projects/previews/previews.ts";
import { revokeMade } from "../../src/store/keys/revocation.ts";
import { rig, tokenOf } from "./preview-rig.ts";
import { racing } from "./racing-database.ts";

describe("a link under our own preview domain", () => {
  it("is created by the tool once a program listens, and stays the same when the port is exposed again", async () => {
    const { orders, expose, list } = rig("previews.example");
    const first = await expose(3000);
    const second = await expose(3000);
    expect(first.url).toMatch(/^https:\/\/3000-[a-z2-7]{26}\.previews\.example\/$/);
    expect(second.url).toBe(first.url);
    expect(orders).toEqual(["await 3000", "await 3000"]);
    expect(await list()).toEqual([`3000 ${first.url}`]);
  });

  it("is a new one when people create it, after it was revoked, and after it expired", async () => {
    const { expose, make, revoke, scope } = rig("previews.example");
    const first = tokenOf((await expose(3000)).url);
    expect(await readCachedPreview(scope.database, first)).toMatchObject({ port: 3000 });
    const second = tokenOf((await make(3000)).url);
    expect(await readCachedPreview(scope.database, first)).toBeNull();
    expect(await revoke(3000)).toBe(true);
    expect(await readCachedPreview(scope.database, second)).toBeNull();
    expect(await revoke(3000)).toBe(false);
    const third = tokenOf((await make(3000, -1)).url);
    const fourth = tokenOf((await expose(3000)).url);
    expect(new Set([first, second, third, fourth]).size).toBe(4);
  });

  it("is refused if the project has fifty others", async () => {
    const { make, expose } = rig("previews.example");
    for (let port = 3000; port < 3050; port++) await make(port);
    await expect(make(3050)).rejects.toMatchObject({ code: "invalid" });
    await expect(expose(3050)).rejects.toMatchObject({ code: "invalid" });
    await make(3049);
    await expose(3049);
  });

  it("is not created for a port of the sandbox itself, nor if PREVIEW_DOMAIN is not a domain", async () => {
    await expect(rig("previews.example").make(22_222)).rejects.toMatchObject({ code: "refused" });
    const wrong = rig("https://previews.example");
    await expect(wrong.make(3000)).rejects.toThrow("PREVIEW_DOMAIN");
    await expect(wrong.expose(3000)).rejects.toThrow("PREVIEW_DOMAIN");
  });

  it("is not returned if it could not be stored", async () => {
    const { expose } = rig("previews.example", { database: {} as D1Database });
    await expect(expose(3000)).rejects.toMatchObject({ code: "failed" });
  });
});

describe("what the audit has of a link", () => {
  const run = () => ({ thread_id: "thread_1", invocation_id: "inv_1" });
  const entriesOf = async ({ scope }: ReturnType<typeof rig>) => {
    const query = "SELECT * FROM audit_entries WHERE json_extract(details, '$.project_id') = ? ORDER BY entry_id";
    const { results } = await env.DB.prepare(query).bind(scope.project_id).all<Record<string, string>>();
    return results.map(({ source = "", ...row }) => ({ ...row, source: JSON.parse(source) as unknown }));
  };
  const entry = {
    user_id: "user_previews",
    actor_id: "user_previews",
    key_id: "key_audited",
    action: "preview.create",
    target: "3000",
    outcome: "done",
    source: { type: "agent", ...run() },
  };

  it.each(["previews.example", null])(
    "that an agent makes is an entry in the same write (domain %s)",
    async (domain) => {
      const own = rig(domain, { maker: () => "key_audited", run });
      await own.expose(3000);
      expect(await entriesOf(own)).toMatchObject([entry]);
      // The same link for another day, or another link.
      await own.expose(3000);
      expect(await entriesOf(own)).toMatchObject([entry, entry]);
      expect(JSON.stringify(await entriesOf(own))).not.toContain(
        own.signed[0] ?? tokenOf((await own.expose(3000)).url),
      );
    },
  );

  it("that was not stored is none", async () => {
    const own = rig("previews.example", { maker: () => "key_ended", run });
    const gone =
      "INSERT INTO api_keys (user_id, key_id, hash, created_at) VALUES (?, 'deleted:key_ended', 'revoked', 'a')";
    await env.DB.prepare(gone).bind(own.scope.user_id).run();
    await expect(own.expose(3000)).rejects.toMatchObject({ code: "refused" });
    expect(await own.list()).toEqual([]);
    expect(await entriesOf(own)).toEqual([]);
  });

  it("that a person makes is left to the operation", async () => {
    const own = rig("previews.example");
    await own.make(3000);
    expect(await entriesOf(own)).toEqual([]);
  });
});

describe("the maker of a link", () => {
  const user_id = "user_previews";
  const storeKey = (key_id: string, hash: string) =>
    env.DB.prepare("INSERT INTO api_keys (user_id, key_id, hash, created_at) VALUES (?, ?, ?, 'a')")
      .bind(user_id, key_id, hash)
      .run();
  const makersOf = async ({ scope }: ReturnType<typeof rig>) =>
    (await readPreviews(scope)).map(({ made_by }) => made_by);

  it("is the key for whom it was made, and stays while the link does", async () => {
    await storeKey("key_one", "h");
    let key_id: string | null = "key_one";
    const own = rig("previews.example", { maker: () => key_id });
    const first = await own.expose(3000);
    key_id = "key_two";
    expect((await own.expose(3000)).url).toBe(first.url);
    expect(await makersOf(own)).toEqual(["key_one"]);
    key_id = null;
    await own.expose(3001);
    expect(await makersOf(own)).toEqual(["key_one", null]);
    key_id = "key_one";
    await own.make(3001);
    expect(await makersOf(own)).toEqual(["key_one", "key_one"]);
    const signed = rig(null, { maker: () => key_id });
    await signed.expose(3000);
    key_id = "key_two";
    await signed.expose(3000);
    expect(await makersOf(signed)).toEqual(["key_two"]);
  });

  it("is the key whose run asked for it, although another run has begun by the time it is made", async () => {
    await storeKey("key_first", "h");
    for (const domain of ["previews.example", null]) {
      let key_id: string | null = "key_first";
      const run = rig(domain, { maker: () => key_id });
      const exposed = run.expose(3000);
      key_id = null;
      await exposed;
      expect(await makersOf(run)).toEqual(["key_first"]);
    }
  });

  it("can't be a key that was revoked, also for a run that it had started", async () => {
    await storeKey("deleted:key_revoked", "revoked");
    await storeKey("deleted:key_gone", "deleted");
    const refused = { code: "refused", message: expect.stringContaining("revoked") };
    for (const domain of ["previews.example", null]) {
      const run = rig(domain, { maker: () => "key_revoked" });
      await expect(run.expose(3000)).rejects.toMatchObject(refused);
      expect(await run.list()).toEqual([]);
      if (domain === null) expect(run.orders).toEqual(["sign 3000", expect.stringMatching(/^expire 3000 signed/)]);
      // The run of a key that was only deleted continues.
      await rig(domain, { maker: () => "key_gone" }).expose(3000);
      await expect(rig(domain, { maker: () => "key_gone" }).make(3000)).rejects.toThrow();
    }
  });

  it("that was revoked has its signed link ended before another link takes its row", async () => {
    await storeKey("key_thief", "h");
    for (const remake of ["expose", "make"] as const) {
      const thief = rig(null, { maker: () => "key_thief" });
      const token = tokenOf((await thief.make(3000)).url);
      await env.DB.prepare("UPDATE previews SET expires_at = '1970-01-01T00:00:00.000Z' WHERE token = ?")
        .bind(token)
        .run();
      expect(await thief.list()).toEqual([]);
      thief.orders.length = 0;
      const fresh = tokenOf((await thief[remake](3000)).url);
      expect(thief.orders.toSorted()).toEqual([`expire 3000 ${token}`, "sign 3000"]);
      expect(await thief.list()).toEqual([expect.stringContaining(fresh)]);
    }
  });
});

describe("a link that is revoked in the moment in which another key's run exposes its port again", () => {
  const opened = "previews.example";

  it.each(["marked", "dropped"])("stays revoked, and the run gets another one (%s)", async (state) => {
    const thief = rig(opened, { maker: () => `key_race_${state}` });
    const { project_id, user_id } = thief.scope;
    const token = tokenOf((await thief.expose(3000)).url);
    const database = racing(/previews/, async () => {
      await revokeMade(env.DB, user_id, `key_race_${state}`, Date.now());
      if (state === "dropped") await env.DB.prepare("DELETE FROM previews WHERE token = ?").bind(token).run();
    });
    const other = rig(opened, { maker: () => "key_other", project_id, database });
    const fresh = await other.expose(3000);
    expect(tokenOf(fresh.url)).not.toBe(token);
    expect(await env.DB.prepare("SELECT 1 FROM previews WHERE token = ?").bind(token).first()).toBeNull();
    expect(await readPreviews(other.scope)).toMatchObject([{ port: 3000, url: fresh.url, made_by: "key_other" }]);
  });
});

describe("a link that Daytona signs", () => {
  it("is ended by another one of its port that is made at the same time, so that none opens without a row", async () => {
    for (const remake of ["expose", "make"] as const) {
      const run = rig(null);
      const links = await Promise.allSettled([1, 2, 3, 4].map(() => run[remake](3000)));
      expect(links.filter(({ status }) => status === "fulfilled").length).toBeGreaterThan(0);
      const [kept = ""] = await run.list();
      const left = run.signed.filter((token) => !run.orders.includes(`expire 3000 ${token}`));
      expect(left.map((token) => kept.includes(token))).toEqual([true]);
    }
  });

  it("is not forgotten if it is made while the former one is revoked", async () => {
    const run = rig(null);
    const first = tokenOf((await run.make(3000)).url);
    run.whileExpiring = () => run.make(3000);
    await run.revoke(3000);
    const left = run.signed.filter((token) => !run.orders.includes(`expire 3000 ${token}`));
    expect(left).not.toContain(first);
    expect(await run.list()).toEqual(left.map((token) => expect.stringContaining(token)));
  });

  it("is not made while Daytona can't end the port's former one, which would be forgotten", async () => {
    const { expose, fail, list } = rig(null);
    const first = await expose(3000);
    fail();
    await expect(expose(3000)).rejects.toThrow("away");
    expect(await list()).toEqual([`3000 ${first.url}`]);
  });

  it("replaces the port's former link, and each of them is expired at Daytona", async () => {
    const { orders, expose, make, revoke, list } = rig(null);
    const first = tokenOf((await expose(3000)).url);
    const second = tokenOf((await expose(3000)).url);
    const third = tokenOf((await make(3000)).url);
    await revoke(3000);
    expect(orders).toEqual([
      ...["sign 3000", "sign 3000", `expire 3000 ${first}`],
      ...[`expire 3000 ${second}`, "sign 3000", `expire 3000 ${third}`],
    ]);
    expect(await list()).toEqual([]);
  });

  it("is expired at Daytona when the server has a preview domain and the port gets a link under it", async () => {
    const before = rig(null);
    const first = tokenOf((await before.expose(3000)).url);
    const { orders, expose } = rig("previews.example", { project_id: before.scope.project_id });
    expect((await expose(3000)).url).toContain(".previews.example/");
    await expose(3000);
    expect(orders).toEqual(["await 3000", `expire 3000 ${first}`, "await 3000"]);
  });

  it("lasts a day at most", async () => {
    await expect(rig(null).make(3000, 86_401)).rejects.toMatchObject({ code: "invalid" });
  });

  it("works even if it could not be stored", async () => {
    const { expose } = rig(null, { database: {} as D1Database });
    expect((await expose(3000)).url).toContain("proxy.example");
  });
});
