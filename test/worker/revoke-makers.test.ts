// Whose key made what is open, where two keys or two requests make it at the same time.
import { env } from "cloudflare:test";
import { describe, expect, it } from "vitest";
import type { RunInput } from "../../src/protocol/thread.ts";
import { createClient } from "./http-client.ts";
import { racing } from "./racing-database.ts";
import {
  admin,
  deliver,
  jobs,
  listOf,
  makeHook,
  makeLink,
  openSsh,
  opensSsh,
  revoke,
  sandboxPath,
  setScene,
  settings,
} from "./revoke-client.ts";

const scene = setScene("makers");

describe("SSH that two keys open at the same time", () => {
  it("is open for nobody whose row says that another key opened it", async () => {
    let thiefs = "";
    const DB = racing(/ssh_accesses/, async () => {
      thiefs = await openSsh(scene, scene.attacker);
    });
    const { body } = await scene.owner.send("POST", "/v1/api-keys", {});
    const own = createClient({ ...settings, DB }).as(String(body.key));
    const late = await own.send("POST", sandboxPath(scene, "ssh"), {});
    expect([late.status, late.body.code]).toEqual([409, "version_conflict"]);
    await revoke(scene);
    expect(await opensSsh(thiefs)).toBe(false);
  });

  it("is not forgotten when it is opened while another one is closed", async () => {
    await openSsh(scene, scene.owner);
    let thiefs = "";
    const DB = racing(/ssh_accesses/, async () => {
      thiefs = await openSsh(scene, scene.attacker);
    });
    const { body } = await scene.owner.send("POST", "/v1/api-keys", {});
    const own = createClient({ ...settings, DB }).as(String(body.key));
    expect((await own.send("DELETE", sandboxPath(scene, "ssh"))).status).toBe(204);
    expect(await opensSsh(thiefs)).toBe(true);
    expect(await listOf(scene)).toMatchObject([{ type: "ssh_access" }]);
    await revoke(scene);
    expect(await opensSsh(thiefs)).toBe(false);
  });
});

describe("the maker", () => {
  it("is in the answers of what it made, and unknown for what was made before", async () => {
    const { body: hook } = await scene.attacker.send(
      "GET",
      `/v1/triggers/${(await makeHook(scene.attacker)).trigger_id}`,
    );
    expect(hook.made_by).toBe(scene.key_id);
    await openSsh(scene, scene.attacker);
    expect((await scene.owner.send("GET", sandboxPath(scene, "ssh"))).body).toMatchObject({ made_by: scene.key_id });
    await makeLink(scene, scene.attacker);
    expect((await scene.owner.send("GET", sandboxPath(scene, "previews"))).body.data).toMatchObject([
      { made_by: scene.key_id },
    ]);
    const keys = (await scene.owner.send("GET", "/v1/api-keys")).body.data;
    expect(keys?.map(({ made_by }) => made_by)).toEqual([expect.stringMatching(/^key_/), "admin_key"]);
    expect(await listOf(scene, "unknown")).toEqual([]);
    await env.DB.prepare("UPDATE triggers SET made_by = NULL WHERE user_id = ?").bind(scene.user_id).run();
    expect(await listOf(scene, "unknown")).toMatchObject([{ type: "trigger", id: hook.trigger_id, made_by: null }]);
    expect((await revoke(scene, "unknown")).status).toBe(404);
    expect(((await listOf(scene, "admin_key")) ?? []).map(({ type }) => type).toSorted()).toEqual([
      ...["api_key", "api_key", "preview", "ssh_access"],
    ]);
  });

  it("is carried by the runs of a key, of a trigger, and of a person who fires it", async () => {
    const inputs = () =>
      scene.owner.threads.asked.filter(({ method }) => method === "accept").map(({ input }) => input as RunInput);
    await scene.attacker.send("POST", "/v1/threads/t/runs", { message: "Hello" });
    expect(inputs().at(-1)?.key_id).toBe(scene.key_id);
    const hook = await makeHook(scene.attacker);
    await deliver(hook.trigger_id, hook.secret);
    expect(inputs().at(-1)?.key_id).toBe(scene.key_id);
    await scene.owner.send("POST", `/v1/triggers/${hook.trigger_id}/run`, {});
    const { key_id: own } = (await scene.owner.send("GET", "/v1/api-keys")).body.data?.at(-1) ?? {};
    expect(inputs().at(-1)?.key_id).toBe(own);
  });

  it("reveals nothing of another user's key", async () => {
    const hook = await makeHook(scene.attacker);
    const other = await admin.addUser(`${scene.user_id}_other`);
    for (const path of [`/v1/api-keys/${scene.key_id}/made`, "/v1/api-keys/key_00000000000000000000000000/made"]) {
      const { status, body } = await other.send("GET", path);
      expect([status, body.code, body.detail]).toEqual([404, "not_found", "There is no such key."]);
    }
    for (const end of ["", "?made=keep", "?made=revoke"]) {
      expect((await other.send("DELETE", `/v1/api-keys/${scene.key_id}${end}`)).status).toBe(404);
    }
    expect((await revoke(scene, "admin_key", other)).status).toBe(204);
    expect((await scene.attacker.send("GET", "/v1/threads")).status).toBe(200);
    expect((await deliver(hook.trigger_id, hook.secret)).status).toBe(202);
    expect(jobs.every((job) => job.user_id === `${scene.user_id}_other`)).toBe(true);
    expect((await scene.owner.send("GET", "/v1/api-keys/unknown/made")).body.data).toEqual([]);
    expect((await scene.owner.send("DELETE", `/v1/api-keys/${scene.key_id}?made=all`)).status).toBe(400);
  });
});
