/**
 * The unmodified Daytona SDK against the Daytona-compatible server of `dev/daytona`.
 */
import type { Sandbox } from "@daytonaio/sdk";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { startDaytona } from "../../dev/daytona/server.ts";
import {
  apiKey,
  connectClient,
  eventually,
  type Fixture,
  findProcesses,
  marker,
  runInBackground,
  startFixture,
  visit,
} from "./daytona-fixture.ts";

let fixture: Fixture;
let sandbox: Sandbox;

beforeAll(async () => {
  fixture = await startFixture();
  sandbox = await fixture.client.create({
    name: "shared",
    labels: { suite: "daytona" },
    envVars: { GREETING: "hello" },
  });
});

afterAll(() => fixture.dispose());

/** An archive takes its time. */
async function awaitState(box: Sandbox, state: string): Promise<void> {
  await eventually(async () => {
    await box.refreshData();
    return box.state === state;
  });
}

describe("a sandbox", () => {
  it("is started when create returns, and is found by id and by name", async () => {
    expect(sandbox.state).toBe("started");
    expect((await fixture.client.get(sandbox.id)).id).toBe(sandbox.id);
    const named = await fixture.client.get("shared");
    expect(named).toMatchObject({
      id: sandbox.id,
      autoStopInterval: 15,
      autoDeleteInterval: -1,
      env: { GREETING: "hello" },
    });
  });

  it("has a unique name, and unknown ones are reported", async () => {
    await expect(fixture.client.create({ name: "shared" })).rejects.toMatchObject({ statusCode: 409 });
    await expect(fixture.client.get("nobody")).rejects.toMatchObject({
      name: "DaytonaNotFoundError",
      message: "Sandbox with ID or name nobody not found",
    });
  });

  it("is created once when two requests ask for its name at the same time", async () => {
    const results = await Promise.allSettled([1, 2].map(() => fixture.client.create({ name: "twin" })));
    expect(results.map(({ status }) => status).sort()).toEqual(["fulfilled", "rejected"]);
    await (await fixture.client.get("twin")).delete();
  });

  it("is listed in pages, by label", async () => {
    const others = await Promise.all(
      [1, 2].map((n) => fixture.client.create({ labels: { page: "yes", n: String(n) } })),
    );
    const ids: string[] = [];
    for await (const item of fixture.client.list({ labels: { page: "yes" }, limit: 1 })) ids.push(item.id);
    expect(ids.sort()).toEqual(others.map(({ id }) => id).sort());
    await Promise.all(others.map((other) => other.delete()));
  });

  it("keeps its files and gets a new preview token when it is stopped and started", async () => {
    const box = await fixture.client.create();
    await box.fs.uploadFile(Buffer.from("kept"), "kept.txt");
    const { token } = await box.getPreviewLink(3000);
    await box.stop();
    expect(box.state).toBe("stopped");
    await expect(box.process.executeCommand("true")).rejects.toMatchObject({ statusCode: 400 });
    await box.start();
    expect((await box.fs.downloadFile("kept.txt")).toString()).toBe("kept");
    expect((await box.getPreviewLink(3000)).token).not.toBe(token);
    const started = await box.getPreviewLink(3000);
    await box.start();
    expect((await box.getPreviewLink(3000)).token).toBe(started.token);
    await box.delete();
    await expect(fixture.client.get(box.id)).rejects.toMatchObject({ statusCode: 404 });
  });

  it("keeps the files of /tmp and /var/tmp over a stop, an archive and a restart of the server", async () => {
    const { state, server, client, dispose } = await startFixture();
    const box = await client.create({ name: "temporary" });
    await box.process.executeCommand(
      "echo one > /tmp/one; mkdir -p /var/tmp/.marker/x; echo two > /var/tmp/.marker/two",
    );
    const read = "cat /tmp/one /var/tmp/.marker/two; mkdir /var/tmp/.marker/x";
    await box.stop();
    await box.archive();
    await awaitState(box, "archived");
    await box.start();
    expect((await box.process.executeCommand(read)).result).toMatch(/^one\ntwo\n.*File exists/);
    await server.close();
    const second = await startDaytona({ port: 0, state });
    const again = await connectClient(second).get("temporary");
    await again.start();
    expect((await again.process.executeCommand(read)).result).toMatch(/^one\ntwo\n.*File exists/);
    await second.close();
    await dispose();
  });

  it("is archived only when stopped, and starts from the archive", async () => {
    const box = await fixture.client.create();
    await expect(box.archive()).rejects.toMatchObject({ statusCode: 400 });
    await box.stop();
    await box.archive();
    expect(box.state).toBe("archiving");
    await awaitState(box, "archived");
    await box.start();
    expect(box.state).toBe("started");
    await box.delete();
  });

  it("is deleted after a stop when it is ephemeral", async () => {
    const box = await fixture.client.create({ ephemeral: true });
    await box.stop();
    await expect(fixture.client.get(box.id)).rejects.toMatchObject({ statusCode: 404 });
  });

  it("takes labels and intervals", async () => {
    await sandbox.setLabels({ suite: "daytona", more: "yes" });
    await sandbox.setAutostopInterval(30);
    await sandbox.setAutoArchiveInterval(60);
    await sandbox.setAutoDeleteInterval(120);
    await sandbox.refreshActivity();
    expect(await fixture.client.get(sandbox.id)).toMatchObject({
      labels: { suite: "daytona", more: "yes" },
      autoStopInterval: 30,
      autoArchiveInterval: 60,
      autoDeleteInterval: 120,
    });
  });

  it("survives a restart of the server: files stay, processes end, and it starts again", async () => {
    const { state, server, client, dispose } = await startFixture();
    const box = await client.create({ name: "old" });
    await box.fs.uploadFile(Buffer.from("kept"), "kept.txt");
    await expect(startDaytona({ port: 0, state })).rejects.toThrow(/another server uses the state directory/);
    await server.close();
    const second = await startDaytona({ port: 0, state });
    const again = await connectClient(second).get("old");
    expect(again.state).toBe("stopped");
    await again.start();
    expect((await again.fs.downloadFile("kept.txt")).toString()).toBe("kept");
    await second.close();
    await dispose();
  });
});

describe("the server", () => {
  it("rejects a request without a key, and with a wrong one where a key was set", async () => {
    const url = `${fixture.server.apiUrl}/sandbox`;
    const refused = await visit(url);
    expect(refused.status).toBe(401);
    expect(JSON.parse(refused.body)).toMatchObject({ path: "/api/sandbox", statusCode: 401, error: "Unauthorized" });
    const locked = await startFixture({ apiKey });
    await expect(connectClient(locked.server, "other").get("x")).rejects.toMatchObject({ statusCode: 401 });
    await expect(locked.client.get("x")).rejects.toMatchObject({ statusCode: 404 });
    await locked.dispose();
  });

  it("responds with 501 and a message for what it doesn't have", async () => {
    await expect(sandbox.computerUse.getStatus()).rejects.toMatchObject({ statusCode: 501 });
    await expect(fixture.client.volume.list()).rejects.toMatchObject({ statusCode: 501 });
  });
});

it("lets a session whose PATH is invalid still run its commands", async () => {
  await sandbox.process.createSession("lost");
  const run = (command: string) => sandbox.process.executeSessionCommand("lost", { command });
  await run("export PATH=/nowhere");
  expect(await run("echo here; cat /dev/null")).toMatchObject({ exitCode: 127, stdout: "here\n" });
  await sandbox.process.deleteSession("lost");
});

it("leaves no process behind when it closes", async () => {
  const other = await startFixture();
  const mark = marker();
  await runInBackground(await other.client.create(), "s", `setsid sleep ${mark} & sleep ${mark}`);
  await eventually(async () => (await findProcesses(mark)).length >= 2);
  await other.dispose();
  // A busy machine may be late to take away what was killed.
  await eventually(async () => (await findProcesses(mark)).length === 0);
});
