/**
 * The control plane of the Daytona-compatible server: changes of state, settings, and lists.
 */
import type { Sandbox } from "@daytonaio/sdk";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { apiKey, eventually, type Fixture, startFixture, visit } from "./daytona-fixture.ts";

let fixture: Fixture;
let sandbox: Sandbox;

/** Holds sandboxes with the label `held` in each transitional state until it resolves. */
let gate = Promise.withResolvers<void>();

/** The same for one state each: a state is visible a moment before it is held. */
const gates = new Map<string, PromiseWithResolvers<void>>();

function gateOf(state: string): PromiseWithResolvers<void> {
  const known = gates.get(state) ?? Promise.withResolvers<void>();
  gates.set(state, known);
  return known;
}

beforeAll(async () => {
  // 0.190 has no times to live and, by default, no resize.
  fixture = await startFixture({
    mode: "0.218",
    linger: async (state, { labels }) => {
      if (labels.held === "yes") await gate.promise;
      if (labels.held === "by state") await gateOf(state).promise;
    },
  });
  sandbox = await fixture.client.create({ name: "shared" });
});

afterAll(() => fixture.dispose());

async function api(
  method: string,
  path: string,
  body?: unknown,
): Promise<{ status: number; body: Record<string, unknown> }> {
  const answer = await visit(`${fixture.server.apiUrl}${path}`, {
    method,
    headers: { authorization: `Bearer ${apiKey}` },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  });
  return {
    status: answer.status,
    body: answer.body === "" ? {} : (JSON.parse(answer.body) as Record<string, unknown>),
  };
}

async function stateOf(id: string): Promise<unknown> {
  return (await api("GET", `/sandbox/${id}`)).body.state;
}

describe("a slow change of state", () => {
  it("reports the transitional state, in which no other change begins", async () => {
    const made = (await api("POST", "/sandbox", { name: "held", labels: { held: "yes" } })).body;
    const path = `/sandbox/${made.id}`;
    const pass = async (between: string, after: string): Promise<void> => {
      expect(await stateOf("held")).toBe(between);
      for (const change of ["start", "stop", "archive"]) {
        const refused = await api("POST", `${path}/${change}`);
        expect(refused).toMatchObject({ status: 409, body: { message: "Sandbox state change in progress" } });
      }
      gate.resolve();
      await eventually(async () => (await stateOf("held")) === after);
      gate = Promise.withResolvers<void>();
    };
    expect(made.state).toBe("creating");
    await pass("creating", "started");
    for (const [change, between, after] of [
      ["stop", "stopping", "stopped"],
      ["archive", "archiving", "archived"],
      ["start", "restoring", "started"],
      ["snapshot", "snapshotting", "started"],
      ["stop", "stopping", "stopped"],
      ["start", "starting", "started"],
    ] as const) {
      const begun = await api("POST", `${path}/${change}`, { name: "of-the-held" });
      expect(begun).toMatchObject({ status: 200, body: { state: between } });
      await pass(between, after);
    }
    expect((await api("DELETE", path)).body.state).toBe("destroying");
    expect((await api("DELETE", path)).status).toBe(409);
    gate.resolve();
    await eventually(async () => (await api("GET", path)).status === 404);
    gate = Promise.withResolvers<void>();
  });

  it("of a build has a log that can be followed before the build begins", async () => {
    const dockerfile = { buildInfo: { dockerfileContent: "FROM x:1\nRUN echo built" } };
    const labels = { held: "by state" };
    const made = (await api("POST", "/sandbox", { name: "held-build", labels, ...dockerfile })).body;
    const { url } = (await api("GET", `/sandbox/${made.id}/build-logs-url`)).body;
    const log = await fetch(`${url}?follow=true`, { headers: { authorization: `Bearer ${apiKey}` } });
    for (const state of ["pending_build", "building_snapshot", "creating"]) {
      await eventually(async () => (await stateOf("held-build")) === state);
      expect((await api("POST", `/sandbox/${made.id}/stop`)).status).toBe(409);
      gateOf(state).resolve();
    }
    expect(await log.text()).toContain("built\n");
    await eventually(async () => (await stateOf("held-build")) === "started");
    gateOf("destroying").resolve();
    await (await fixture.client.get("held-build")).delete(60, true);
  });

  it("is waited for by the SDK", async () => {
    const creating = fixture.client.create({ name: "awaited", labels: { held: "yes" } });
    await eventually(async () => (await stateOf("awaited")) === "creating");
    gate.resolve();
    const box = await creating;
    expect(box.state).toBe("started");
    await box.delete(60, true);
    gate = Promise.withResolvers<void>();
  });
});

describe("a resize", () => {
  it("grows a running sandbox, and names what needs a stopped one", async () => {
    const box = await fixture.client.create();
    await box.resize({ cpu: 2, memory: 2 });
    expect(await fixture.client.get(box.id)).toMatchObject({ cpu: 2, memory: 2, disk: 3, state: "started" });
    await expect(box.resize({ disk: 5 })).rejects.toThrow("Disk resize can only be performed on a stopped sandbox");
    await expect(box.resize({ cpu: 64 })).rejects.toMatchObject({ statusCode: 400 });
    await box.stop();
    await box.resize({ cpu: 1, disk: 5 });
    await expect(box.resize({ disk: 4 })).rejects.toThrow("Sandbox disk size cannot be decreased");
    expect(await fixture.client.get(box.id)).toMatchObject({ cpu: 1, disk: 5, state: "stopped" });
    await box.delete();
  });
});

describe("a variable HOME", () => {
  it("that the user can't make ends a sandbox in error, and not one in its own folders", async () => {
    const name = "homeless";
    await expect(fixture.client.create({ name, envVars: { HOME: "/root/none" } })).rejects.toThrow();
    const box = await fixture.client.get(name);
    expect(box).toMatchObject({ state: "error", errorReason: "timeout waiting for daemon to start" });
    await box.delete();
    const housed = await fixture.client.create({ envVars: { HOME: "/tmp/home" } });
    expect(housed.state).toBe("started");
    await housed.delete();
  });
});

describe("settings", () => {
  it("are stored and returned: network, allow lists, public, and time to live", async () => {
    await sandbox.updateNetworkSettings({ networkBlockAll: true });
    expect((await fixture.client.get("shared")).networkBlockAll).toBe(true);
    await sandbox.updateNetworkSettings({ networkAllowList: "10.0.0.0/8,1.2.3.4/32" });
    expect((await api("POST", `/sandbox/${sandbox.id}/public/true`)).body.public).toBe(true);
    expect((await api("POST", `/sandbox/${sandbox.id}/public/maybe`)).status).toBe(400);
    await sandbox.setTtl(60);
    const shown = await fixture.client.get("shared");
    expect(shown).toMatchObject({ networkBlockAll: false, networkAllowList: "10.0.0.0/8,1.2.3.4/32", public: true });
    expect(Date.parse(shown.autoDestroyAt ?? "")).toBeGreaterThan(Date.now() + 3_000_000);
    await sandbox.setTtl(0);
    expect((await fixture.client.get("shared")).autoDestroyAt).toBeUndefined();
    await expect(sandbox.updateNetworkSettings({ networkAllowList: "everyone" })).rejects.toMatchObject({
      statusCode: 400,
    });
    await expect(sandbox.updateNetworkSettings({ domainAllowList: "a b" })).rejects.toMatchObject({ statusCode: 400 });
    await api("POST", `/sandbox/${sandbox.id}/public/false`);
  });

  it("never contain a token", async () => {
    const { token } = await sandbox.getPreviewLink(3000);
    const listed = JSON.stringify([
      (await api("GET", `/sandbox/${sandbox.id}`)).body,
      (await api("GET", "/sandbox")).body,
    ]);
    expect(listed).not.toContain(token);
  });
});

describe("activity", () => {
  it("is any request to the toolbox or to the activity route, unless the request opts out", async () => {
    const last = async (): Promise<number> => Date.parse((await fixture.client.get("shared")).lastActivityAt ?? "");
    const toolbox = `http://127.0.0.1:${fixture.server.port}/toolbox/${sandbox.id}/work-dir`;
    const headers = { authorization: `Bearer ${apiKey}` };
    const before = await last();
    await eventually(async () => Date.now() > before);
    await visit(toolbox, { headers: { ...headers, "x-daytona-skip-last-activity-update": "true" } });
    expect(await last()).toBe(before);
    await visit(toolbox, { headers });
    const after = await last();
    expect(after).toBeGreaterThan(before);
    await eventually(async () => Date.now() > after);
    await sandbox.refreshActivity();
    expect(await last()).toBeGreaterThan(after);
  });
});

describe("the toolbox", () => {
  it("accepts the preview token in place of a key, for its own sandbox only", async () => {
    const other = await fixture.client.create();
    const base = `http://127.0.0.1:${fixture.server.port}/toolbox`;
    const { token } = await sandbox.getPreviewLink(3000);
    const headers = { "x-daytona-preview-token": token };
    expect((await visit(`${base}/${sandbox.id}/work-dir`, { headers })).status).toBe(200);
    expect((await visit(`${base}/${other.id}/work-dir`, { headers })).status).toBe(401);
    expect((await visit(`${base}/${sandbox.id}/work-dir`)).status).toBe(401);
    await other.delete();
  });
});

describe("a feature that this server doesn't have", () => {
  it("is rejected in the API's own error format", async () => {
    await expect(fixture.client.volume.list()).rejects.toMatchObject({ statusCode: 501 });
    for (const path of ["/object-storage/push-access", "/warm-pools", "/organizations"]) {
      expect(await api("GET", path)).toMatchObject({
        status: 501,
        body: { statusCode: 501, error: "Not Implemented", message: expect.stringContaining("not supported") },
      });
    }
    for (const field of [
      { volumes: [{ volumeId: "v", mountPath: "/v" }] },
      { gpu: 1 },
      { linkedSandbox: "x" },
      { kvm: true },
      { outboundProxyUrl: "http://p" },
    ]) {
      expect(await api("POST", "/sandbox", field)).toMatchObject({
        status: 501,
        body: { message: `${Object.keys(field)[0]} is not supported by this server` },
      });
    }
  });
});
