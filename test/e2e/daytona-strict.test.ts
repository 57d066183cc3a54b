// What breaks on a real Daytona 0.190, on the stand-in that is as strict: names that are cached, sandboxes that are
// deleted elsewhere, keys that a proxy can't check, sizes and regions that this Daytona does not have.
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from "vitest";
import type { Fault } from "../../dev/daytona/faults.ts";
import type { SandboxError } from "../../src/agent/sandbox.ts";
import type { DaytonaSettings } from "../../src/sandboxes/daytona/client/client.ts";
import { createDaytonaSandbox } from "../../src/sandboxes/daytona/sandbox.ts";
import { createDaytonaWorkspace } from "../../src/sandboxes/daytona/workspace.ts";
import type { SandboxCount, SandboxIds } from "../../src/sandboxes/provider.ts";
import { apiKey, type Fixture, startFixture } from "./daytona-fixture.ts";

const { signal } = new AbortController();
const faults: Fault[] = [];
let fixture: Fixture;
/** The stand-in's clock, which only tests turn. */
let time = Date.now();

beforeAll(async () => {
  fixture = await startFixture({ apiKey, faults, now: () => time });
});
afterEach(() => {
  faults.length = 0;
});
afterAll(() => fixture.dispose());

/** D1's row of one sandbox. */
class Ids implements SandboxIds {
  id: string | null = null;

  async read(): Promise<string | null> {
    return this.id;
  }

  async keep(id: string): Promise<void> {
    this.id = id;
  }
}

let made = 0;
let name: string;
const reported: string[] = [];
beforeEach(() => {
  name = `strict-${++made}`;
  reported.length = 0;
});

function settings(more: Partial<DaytonaSettings> = {}): DaytonaSettings {
  const onState = (state: string, message: string) => reported.push(`${state}: ${message}`);
  const fixed = { api_key: apiKey, api_url: fixture.server.apiUrl, target: "local", snapshot: null };
  return { ...fixed, name, labels: {}, onState, ...more };
}

const open = (more: Partial<DaytonaSettings> = {}) => createDaytonaSandbox(settings(more));
const visit = (more: Partial<DaytonaSettings> = {}) => createDaytonaWorkspace(settings(more));

async function failureOf(promise: Promise<unknown>): Promise<SandboxError> {
  return (await promise.then(
    () => expect.unreachable(),
    (error: unknown) => error,
  )) as SandboxError;
}

const statusOf = (promise: Promise<unknown>): Promise<unknown> =>
  promise.then(
    () => 200,
    (error: { statusCode?: number }) => error.statusCode,
  );

function countCreations(): () => number {
  const counter: Fault & { hits: number } = { request: "POST /api/sandbox", answer: "none", hits: 0 };
  faults.push(counter);
  return () => counter.hits;
}

describe("a sandbox that is deleted and used again", () => {
  it("is made once, although its name leads nowhere for ten seconds", async () => {
    const ids = new Ids();
    await open({ ids }).writeFile("old.txt", new TextEncoder().encode("old"), signal);
    await visit({ ids }).destroy(signal);
    const creations = countCreations();
    const sandbox = open({ ids });
    await sandbox.writeFile("new.txt", new TextEncoder().encode("new"), signal);
    expect(await statusOf(fixture.client.get(name))).toBe(404);
    const found = await fixture.client.get(ids.id ?? "");
    expect(found).toMatchObject({ name, state: "started" });
    expect(creations()).toBe(1);
  });

  it("is found meanwhile by every other request, by the id that was kept", async () => {
    const ids = new Ids();
    await open({ ids }).listFiles(".", 1, signal);
    await visit({ ids }).destroy(signal);
    await open({ ids }).writeFile("new.txt", new TextEncoder().encode("new"), signal);
    expect(await visit({ ids }).readState(signal)).toMatchObject({ state: "started" });
    const creations = countCreations();
    expect(new TextDecoder().decode(await open({ ids }).readFile("new.txt", signal))).toBe("new");
    expect(creations()).toBe(0);
    expect((await visit({ ids }).stop(signal)).state).toBe("stopped");
    await visit({ ids }).destroy(signal);
    expect(await statusOf(fixture.client.get(ids.id ?? ""))).toBe(404);
  });

  it("is waited for where nobody kept its id", async () => {
    await open().listFiles(".", 1, signal);
    await visit().destroy(signal);
    await open().listFiles(".", 1, signal);
    const creations = countCreations();
    const opening = open().listFiles(".", 1, signal);
    await expect.poll(() => reported.at(-1)).toBe("creating: The sandbox is being made. Daytona does not show it yet.");
    time += 10_000;
    await opening;
    expect(creations()).toBe(1);
  });

  it("is given up with what to do if its name never leads anywhere", async () => {
    await open().listFiles(".", 1, signal);
    await visit().destroy(signal);
    await open().listFiles(".", 1, signal);
    const failure = await failureOf(open({ limits: { hidden_ms: 300 } }).listFiles(".", 1, signal));
    expect(failure).toMatchObject({ code: "unavailable", message: expect.stringContaining(`a sandbox named ${name}`) });
  });

  it("whose row has no id or an old one is found by its name", async () => {
    const ids = new Ids();
    ids.id = "00000000-0000-4000-8000-000000000000";
    await fixture.client.create({ name });
    const creations = countCreations();
    await open({ ids }).listFiles(".", 1, signal);
    expect(creations()).toBe(0);
  });
});

describe("a sandbox that somebody deleted in Daytona", () => {
  it("is replaced once the proxy's caches have expired and it answers 401, and the key is not blamed", async () => {
    const sandbox = open({ ids: new Ids() });
    await sandbox.writeFile("a.txt", new TextEncoder().encode("a"), signal);
    await (await fixture.client.get(name)).delete(60, true);
    time += 2 * 60_000;
    expect(await sandbox.listFiles(".", 1, signal)).toEqual([]);
    expect(sandbox.takeNotice?.()).toContain("The sandbox is new");
  });

  it("is replaced while the caches of the proxy still lead to it", async () => {
    const sandbox = open({ ids: new Ids() });
    await sandbox.listFiles(".", 1, signal);
    await (await fixture.client.get(name)).delete(60, true);
    expect(await sandbox.listFiles(".", 1, signal)).toEqual([]);
  });
});

describe("a proxy that refuses a key", () => {
  it("is not taken for a git host that does", async () => {
    const sandbox = open({ ids: new Ids() });
    await sandbox.runCommand({ command_id: "init", command: "git init -q repo", wait_ms: 5_000 }, () => {}, signal);
    faults.push({ request: "* /toolbox/*/git/*", answer: "key_unchecked", times: 1 });
    expect(await sandbox.git?.status("repo", signal)).toMatchObject({ changes: [] });
  });

  it("is asked again while it can't check the key", async () => {
    const sandbox = open();
    await sandbox.listFiles(".", 1, signal);
    faults.push({ request: "* /toolbox/*", answer: "key_unchecked", times: 2 });
    expect(await sandbox.listFiles(".", 1, signal)).toEqual([]);
  });

  it("is not believed: only the API's own refusal blames the key", async () => {
    const sandbox = open({ limits: { retry_ms: 300 } });
    await sandbox.listFiles(".", 1, signal);
    const unchecked: Fault = { request: "* /toolbox/*", answer: "key_unchecked" };
    faults.push(unchecked);
    expect((await failureOf(sandbox.listFiles(".", 1, signal))).message).toMatch(
      /^Daytona's API accepts the API key, and the proxy of its sandboxes refuses it/,
    );
    const stranger = open({ api_key: "dtn_somebody-else" });
    expect((await failureOf(stranger.listFiles(".", 1, signal))).message).toMatch(/^Daytona refused the API key/);
  });

  it("or does not know a sandbox's machine for a moment is asked again, also for what must not happen twice", async () => {
    const sandbox = open();
    await sandbox.listFiles(".", 1, signal);
    faults.push({ request: "POST /toolbox/*/input", answer: "no_runner_info", times: 2 });
    const run = { command_id: "ask", command: "read line; echo got $line", wait_ms: 0 };
    await sandbox.runCommand(run, () => {}, signal);
    await sandbox.sendInput("ask", "this", signal);
    await expect.poll(async () => (await sandbox.readCommand("ask", signal)).output).toContain("got this");
  });
});

describe("a Daytona without a region", () => {
  it("is reported as what it is, and asked once", async () => {
    const creations = countCreations();
    const failure = await failureOf(open({ target: "moon" }).listFiles(".", 1, signal));
    expect(failure).toMatchObject({ code: "unavailable", message: expect.stringContaining("Region not found") });
    expect(failure.message).toContain('The target is "moon". Set the project\'s target');
    expect(creations()).toBe(1);
  });
});

describe("a Daytona that can't resize", () => {
  const recipe = { cpu: 2, memory: 2 };

  it("builds the size that a new sandbox is asked for", async () => {
    const ids = new Ids();
    await open({ recipe, ids }).listFiles(".", 1, signal);
    const found = await fixture.client.get(ids.id ?? "");
    expect(found).toMatchObject({ cpu: 2, memory: 2, state: "started" });
    expect(found.buildInfo?.dockerfileContent).toContain("FROM daytonaio/sandbox:0.5.0-slim");
    expect(reported.at(-1)).toBe("started: The sandbox is ready.");
  });

  it("builds a smaller one, and one with a larger disk", async () => {
    const ids = new Ids();
    await open({ snapshot: "daytona-medium", recipe: { cpu: 1, disk: 9 }, ids }).listFiles(".", 1, signal);
    expect(await fixture.client.get(ids.id ?? "")).toMatchObject({ cpu: 1, disk: 9, state: "started" });
  });

  it("leaves a sandbox with files as it is, and says how to get the size", async () => {
    await open().writeFile("kept.txt", new TextEncoder().encode("kept"), signal);
    const sandbox = open({ recipe });
    expect(new TextDecoder().decode(await sandbox.readFile("kept.txt", signal))).toBe("kept");
    expect(reported.at(-1)).toMatch(
      /^started: The sandbox is ready, with cpu=1, memory=1 and not cpu=2, memory=2: this Daytona can't resize.*delete/,
    );
    await visit().stop(signal);
    const later = open({ recipe: { disk: 9 } });
    expect(new TextDecoder().decode(await later.readFile("kept.txt", signal))).toBe("kept");
    expect(reported.at(-1)).toContain("with disk=3 and not disk=9");
  });

  it("replaces no sandbox that somebody else may use: others wait until its maker has decided", async () => {
    const ids = new Ids();
    faults.push({ request: "POST /api/sandbox/*/resize", answer: "silence", times: 1 });
    const maker = open({ recipe, ids, limits: { request_ms: 600 } });
    const making = maker.writeFile("maker.txt", new TextEncoder().encode("m"), signal);
    await expect.poll(() => ids.id).not.toBeNull();
    const first = ids.id;
    const other = open({ recipe, ids });
    await other.writeFile("other.txt", new TextEncoder().encode("o"), signal);
    await making;
    expect(ids.id).not.toBe(first);
    const names = (await maker.listFiles(".", 1, signal)).map(({ path }) => path);
    expect(names.sort()).toEqual(["maker.txt", "other.txt"]);
    expect((await fixture.client.get(ids.id ?? "")).labels).not.toHaveProperty("unsized");
  });

  it("leaves one alone whose maker died", async () => {
    await fixture.client.create({ name, labels: { unsized: "yes" } });
    await open({ recipe, limits: { hidden_ms: 300 } }).listFiles(".", 1, signal);
    const found = await fixture.client.get(name);
    expect(found).toMatchObject({ cpu: 1, memory: 1 });
    expect(found.labels).not.toHaveProperty("unsized");
  });

  it("builds nothing that a quota refuses", async () => {
    const { SandboxError } = await import("../../src/agent/sandbox.ts");
    const count: SandboxCount = {
      take: async () => {},
      giveBack: async () => {},
      start: async () => {},
      note: async () => {},
      build: async () => {
        throw new SandboxError("quota_exceeded", "no more builds today");
      },
    };
    await open({ recipe, count }).listFiles(".", 1, signal);
    expect(await fixture.client.get(name)).toMatchObject({ cpu: 1, memory: 1 });
    expect(reported.at(-1)).toContain("this Daytona can't resize");
  });

  it("resizes where the flag is on", async () => {
    const other = await startFixture({ apiKey, resizes: true });
    await open({ api_url: other.server.apiUrl, recipe }).listFiles(".", 1, signal);
    expect(await other.client.get(name)).toMatchObject({ cpu: 2, memory: 2, buildInfo: undefined });
    await other.dispose();
  });
});

describe("the sandbox of a deleted project", () => {
  it("ends by itself where Daytona has times to live and does not delete it at once", async () => {
    let gate = Promise.withResolvers<void>();
    const other = await startFixture({ apiKey, mode: "0.218", linger: () => gate.promise });
    gate.resolve();
    const box = await other.client.create({ name });
    gate = Promise.withResolvers<void>();
    const stopping = box.stop();
    const workspace = visit({ api_url: other.server.apiUrl });
    const removal = workspace.destroy(signal, () => true);
    await expect.poll(async () => (await other.client.get(box.id)).autoDestroyAt).toBeDefined();
    gate.resolve();
    await Promise.all([stopping, removal]);
    await other.dispose();
  });

  it("is waited for as before where it has none", async () => {
    let gate = Promise.withResolvers<void>();
    const other = await startFixture({ apiKey, linger: () => gate.promise });
    gate.resolve();
    const box = await other.client.create({ name });
    gate = Promise.withResolvers<void>();
    const stopping = box.stop();
    const removal = visit({ api_url: other.server.apiUrl }).destroy(signal, () => true);
    await expect.poll(async () => (await other.client.get(box.id)).state).toBe("stopping");
    gate.resolve();
    await Promise.all([stopping, removal]);
    expect(await statusOf(other.client.get(box.id))).toBe(404);
    await other.dispose();
  });
});
