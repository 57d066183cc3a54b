/**
 * The Daytona-compatible server as strict as Daytona 0.190, through the unmodified SDK. `dev/daytona/README.md` names
 * the source of each rule.
 */
import type { Daytona, Sandbox } from "@daytonaio/sdk";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { apiKey, type Fixture, startFixture, visit } from "./daytona-fixture.ts";

let fixture: Fixture;
let client: Daytona;
let time = Date.now();
/** Of no project: each test that changes one makes its own. */
let shared: Sandbox;

beforeAll(async () => {
  fixture = await startFixture({ apiKey, now: () => time });
  client = fixture.client;
  shared = await client.create({ name: "shared" });
});
afterAll(() => fixture.dispose());

async function ask(method: string, url: string, key = apiKey): Promise<{ status: number; message: string }> {
  const answer = await visit(url, { method, headers: { authorization: `Bearer ${key}` } });
  return { status: answer.status, message: (JSON.parse(answer.body) as { message: string }).message };
}

const api = (method: string, path: string) => ask(method, `${fixture.server.apiUrl}${path}`);
const toolbox = (id: string, key?: string) =>
  ask("GET", `http://127.0.0.1:${fixture.server.port}/toolbox/${id}/work-dir`, key);

const statusOf = (promise: Promise<unknown>): Promise<unknown> =>
  promise.then(
    () => 200,
    (error: { statusCode?: number }) => error.statusCode,
  );

describe("a name", () => {
  it("is free at once after a deletion, and leads to its next sandbox ten seconds after it was looked up", async () => {
    const first = await client.create({ name: "twice" });
    expect((await client.get("twice")).id).toBe(first.id);
    await first.delete(60, true);
    const second = await client.create({ name: "twice" });
    expect(await statusOf(client.get("twice"))).toBe(404);
    expect((await client.get(second.id)).name).toBe("twice");
    expect(await statusOf(client.create({ name: "twice" }))).toBe(409);
    time += 9_999;
    expect(await statusOf(client.get("twice"))).toBe(404);
    time += 1;
    expect((await client.get("twice")).id).toBe(second.id);
    await second.delete();
  });

  it("that was never used leads to its sandbox at once", async () => {
    expect(await statusOf(client.get("fresh"))).toBe(404);
    const { id } = await client.create({ name: "fresh" });
    expect((await client.get("fresh")).id).toBe(id);
  });

  it("is lost to a sandbox when its deletion begins", async () => {
    const gate = Promise.withResolvers<void>();
    const linger = (state: string) => (state === "destroying" ? gate.promise : Promise.resolve());
    const other = await startFixture({ apiKey, linger });
    const box = await other.client.create({ name: "going" });
    await box.delete();
    expect(await other.client.get(box.id)).toMatchObject({
      state: "destroying",
      name: expect.stringMatching(/^DESTROYED_going_\d+$/),
    });
    await other.client.create({ name: "going" });
    gate.resolve();
    await other.dispose();
  });
});

describe("what containers of 0.190 can't do", () => {
  it("is refused with 422, or does not exist", async () => {
    expect(await statusOf(shared.pause())).toBe(422);
    expect(await statusOf(shared.fork({}))).toBe(422);
    const absent = [
      ["POST", `/sandbox/${shared.id}/resize`],
      ["POST", `/sandbox/${shared.id}/ttl/60`],
      ["POST", `/sandbox/${shared.id}/autopause/5`],
      ["GET", `/sandbox/${shared.id}/signing-key`],
      ["PUT", `/sandbox/${shared.id}/secrets`],
      ["GET", "/secret/paginated"],
      ["GET", "/warm-pools"],
    ] as const;
    for (const [method, path] of absent) {
      expect(await api(method, path)).toEqual({ status: 404, message: `Cannot ${method} /api${path}` });
    }
    const created = await client.create({ ttlMinutes: 5 });
    expect(created.autoDestroyAt).toBeUndefined();
  });

  it("includes a resize unless its flag is on", async () => {
    const other = await startFixture({ apiKey, resizes: true });
    const box = await other.client.create();
    await box.resize({ cpu: 2 });
    expect(box.cpu).toBe(2);
    await other.dispose();
  });
});

describe("a region", () => {
  it("has to exist", async () => {
    const { Daytona } = await import("@daytonaio/sdk");
    const options = { apiKey, apiUrl: fixture.server.apiUrl, useDeprecatedPolling: true };
    await expect(new Daytona({ ...options, target: "moon" }).create()).rejects.toMatchObject({
      statusCode: 404,
      message: "Region not found",
    });
    expect((await new Daytona(options).create()).target).toBe("local");
  });
});

describe("a change", () => {
  it("to started of what is started is answered, and gives no new token", async () => {
    const { token } = await shared.getPreviewLink(3000);
    await shared.start();
    expect((await shared.getPreviewLink(3000)).token).toBe(token);
  });

  it("to an archive takes its time", async () => {
    const box = await client.create({ name: "archived" });
    await box.stop();
    await box.archive();
    expect(box.state).toBe("archiving");
    await expect.poll(async () => (await client.get(box.id)).state).toBe("archived");
  });

  it("of an interval to no number is an error of the server", async () => {
    expect(await api("POST", `/sandbox/${shared.id}/autostop/x`)).toMatchObject({ status: 500 });
    expect(await api("POST", `/sandbox/${shared.id}/autostop/-1`)).toMatchObject({ status: 400 });
  });

  it("of the network replaces a list by a block, and a block by a list", async () => {
    await shared.updateNetworkSettings({ networkAllowList: "10.0.0.0/8" });
    await shared.updateNetworkSettings({ networkBlockAll: true });
    expect(await client.get(shared.id)).toMatchObject({ networkBlockAll: true, networkAllowList: undefined });
    await shared.updateNetworkSettings({ networkAllowList: "10.0.0.0/8" });
    expect(await client.get(shared.id)).toMatchObject({ networkBlockAll: false, networkAllowList: "10.0.0.0/8" });
    expect(await api("POST", `/sandbox/${shared.id}/network-settings`)).toMatchObject({ status: 400 });
  });
});

describe("an SSH token", () => {
  it("is validated for the gateway only", async () => {
    const { token } = await shared.createSshAccess(5);
    expect(await api("GET", `/sandbox/ssh-access/validate?token=${token}`)).toMatchObject({ status: 403 });
  });
});

describe("the proxy", () => {
  it("answers 401 for a wrong key and for a sandbox that does not exist", async () => {
    const invalid = { status: 401, message: "authentication failed: Bearer token is invalid" };
    expect(await toolbox(shared.id, "dtn_nobody")).toEqual(invalid);
    expect(await toolbox("00000000-0000-4000-8000-000000000000")).toEqual(invalid);
  });

  it("remembers a sandbox for two minutes, and then answers 401 for one that is deleted", async () => {
    const box = await client.create();
    await box.getWorkDir();
    await box.delete(60, true);
    time += 2 * 60_000 - 1;
    expect(await toolbox(box.id)).toMatchObject({
      status: 400,
      message: expect.stringMatching(/Is the Sandbox started/),
    });
    time += 1;
    expect(await toolbox(box.id)).toMatchObject({ status: 401 });
  });
});
