/**
 * Images and snapshots of the Daytona-compatible server: what a Dockerfile makes of a sandbox, and sandboxes made from
 * others.
 */
import { existsSync } from "node:fs";
import { mkdir, readdir } from "node:fs/promises";
import { Image, type Sandbox } from "@daytonaio/sdk";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { apiKey, eventually, type Fixture, findProcesses, marker, startFixture, visit } from "./daytona-fixture.ts";

let fixture: Fixture;

beforeAll(async () => {
  fixture = await startFixture({ buildTimeoutMs: 20_000 });
});

afterAll(() => fixture.dispose());

interface Made {
  id: string;
  state: string;
  errorReason?: string;
}

async function api(
  method: string,
  path: string,
  body?: unknown,
): Promise<{ status: number; body: Made; text: string }> {
  const answer = await visit(`${fixture.server.apiUrl}${path}`, {
    method,
    headers: { authorization: `Bearer ${apiKey}` },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  });
  const isJson = answer.headers["content-type"]?.startsWith("application/json") === true;
  return { status: answer.status, body: isJson ? (JSON.parse(answer.body) as Made) : ({} as Made), text: answer.body };
}

/** Builds a sandbox and follows its log until the build ends. */
async function build(lines: string[]): Promise<{ box: Made; log: string }> {
  const made = await api("POST", "/sandbox", { buildInfo: { dockerfileContent: lines.join("\n") } });
  expect(made.body.state, made.text).toBe("pending_build");
  const log = (await api("GET", `/sandbox/${made.body.id}/build-logs?follow=true`)).text;
  let box = made.body;
  await eventually(async () => {
    box = (await api("GET", `/sandbox/${made.body.id}`)).body;
    return ["started", "build_failed", "error"].includes(box.state);
  });
  return { box, log };
}

describe("a sandbox from an image", () => {
  let sandbox: Sandbox;
  const logs: string[] = [];

  beforeAll(async () => {
    const image = Image.base("debian:12")
      .env({ GREETING: "hello there" })
      .dockerfileCommands([
        "ENV PATH=/home/daytona/bin:$PATH",
        "ARG KIND=deep",
        "LABEL a=b",
        "EXPOSE 3000",
        "USER node",
      ])
      .workdir("/home/daytona/app")
      .runCommands(
        "echo $GREETING > ~/built.txt && pwd >> ~/built.txt",
        "echo $KIND \\\n  && echo out of the build && echo 'and \"quoted\"'",
      )
      .cmd(["sleep", "infinity"]);
    sandbox = await fixture.client.create(
      { image, resources: { cpu: 2, memory: 4, disk: 5 } },
      { timeout: 60, onSnapshotCreateLogs: (chunk) => logs.push(chunk) },
    );
  });

  it("has the files that its build commands left, and starts in their last folder", async () => {
    const { result } = await sandbox.process.executeCommand(
      "cat ~/built.txt; pwd; echo $GREETING; echo $PATH; echo [$KIND]",
    );
    const lines = result.trim().split("\n");
    expect(lines.slice(0, 4)).toEqual(["hello there", "/home/daytona/app", "/home/daytona/app", "hello there"]);
    expect(lines[4]).toMatch(/^\/home\/daytona\/bin:.*\/usr\/bin/);
    expect(lines[5]).toBe("[]");
    expect(await sandbox.getWorkDir()).toBe("/home/daytona/app");
    await sandbox.fs.uploadFile(Buffer.from("x"), "here.txt");
    expect((await sandbox.process.executeCommand("ls /home/daytona/app")).result).toBe("here.txt\n");
  });

  it("logged its build, and has the resources that were requested", async () => {
    const text = logs.join("\n");
    expect(text).toContain("out of the build");
    expect(text).toMatch(/Step 1\/\d+ : FROM debian:12/);
    expect(text).toContain("stands in for debian:12");
    expect(await fixture.client.get(sandbox.id)).toMatchObject({
      cpu: 2,
      memory: 4,
      disk: 5,
      buildInfo: { dockerfileContent: expect.stringContaining("FROM debian:12") },
    });
    const { text: whole } = await api("GET", `/sandbox/${sandbox.id}/build-logs`);
    expect(whole).toContain('deep\nout of the build\nand "quoted"\n');
  });

  it("keeps all of that over a stop and a start", async () => {
    await sandbox.stop();
    await sandbox.start();
    expect((await sandbox.process.executeCommand("pwd; echo $GREETING; cat ~/built.txt")).result).toBe(
      "/home/daytona/app\nhello there\nhello there\n/home/daytona/app\n",
    );
  });
});

describe("a sandbox whose files are at the root", () => {
  const lines = ["FROM node:22", "WORKDIR /app", "RUN mkdir /srv/site && echo built > here.txt", "RUN echo 1 > /var/n"];
  let sandbox: Sandbox;

  async function look(box: Sandbox): Promise<string> {
    return (await box.process.executeCommand("pwd; cat here.txt /var/n; ls -d /srv/site; touch ~/x /app/x /opt/x"))
      .result;
  }

  const seen = "/app\nbuilt\n1\n/srv/site\n";

  beforeAll(async () => {
    const { box, log } = await build(lines);
    expect(box.state, log).toBe("started");
    sandbox = await fixture.client.get(box.id);
  });

  it("keeps its files over a stop, an archive and a snapshot", async () => {
    expect(await sandbox.getWorkDir()).toBe("/app");
    expect(await look(sandbox)).toBe(seen);
    await sandbox.stop();
    await sandbox.archive();
    await eventually(async () => (await fixture.client.get(sandbox.id)).state === "archived");
    await sandbox.start();
    expect(await look(sandbox)).toBe(seen);
    await sandbox.createSnapshot("at-the-root");
    const { id } = await fixture.client.create({ snapshot: "at-the-root" });
    expect(await look(await fixture.client.get(id))).toBe(seen);
  });

  it("never follows links that replace the system's folders", async () => {
    const outside = `${fixture.state}/outside`;
    await mkdir(outside);
    const command = `cd /; for n in etc opt home var bin usr; do mv $n moved-$n; ln -s /oldroot${outside} $n; done; chmod 0 /`;
    await sandbox.process.executeCommand(command);
    await sandbox.stop();
    await sandbox.start();
    expect(await readdir(outside)).toEqual([]);
    expect((await sandbox.process.executeCommand("pwd; touch /etc/x /usr/x /opt/daytona/x")).result).toMatch(
      /^\/app\n(?:touch: .*: (?:Read-only file system|Permission denied)\n){3}$/,
    );
  });
});

describe("an invalid Dockerfile", () => {
  it.each([
    ["without a base", ["RUN true"], "begins with FROM"],
    ["with files of its own", ["FROM x:1", "COPY a /b"], "COPY is not supported"],
    ["with an unknown instruction", ["FROM x:1", "FETCH a"], "unknown instruction: FETCH"],
    ["with a command that fails", ["FROM x:1", "RUN echo so far; exit 7"], "returned a non-zero code: 7"],
    ["that needs root", ["FROM x:1", "RUN touch /usr/bin/mine"], "non-zero code"],
    [
      "that works where the system is",
      ["FROM x:1", "WORKDIR /usr/bin/app"],
      "WORKDIR /usr/bin/app: the system's folders",
    ],
    ["that copies what stands in it", ["FROM x:1", "COPY <<EOF /a", "text", "EOF"], "COPY is not supported"],
    ["that leaves by dots", ["FROM x:1", "WORKDIR /home/daytona/../../etc"], "WORKDIR /etc"],
    ["whose variables multiply", ["FROM x:1", `ENV A=${"x".repeat(9000)}`, `ENV B=${"$A".repeat(9000)}`], "too long"],
    ["of several stages", ["FROM x:1 AS a", "FROM y:1"], "several stages"],
  ])("%s fails with its reason, in the sandbox and at the end of the log", async (_name, lines, reason) => {
    const { box, log } = await build(lines);
    expect(box).toMatchObject({ state: "build_failed", errorReason: expect.stringContaining(reason) });
    expect(log).toContain(reason);
    expect((await api("POST", `/sandbox/${box.id}/start`)).status).toBe(400);
    expect((await api("DELETE", `/sandbox/${box.id}`)).status).toBe(200);
  });

  it("is reported by the SDK when it waits for the sandbox", async () => {
    const image = Image.base("x:1").runCommands("exit 3");
    await expect(fixture.client.create({ image })).rejects.toThrow(/build_failed.*non-zero code: 3/);
  });

  it("is rejected at once when it is empty, too large, or combined with a snapshot", async () => {
    const refused = async (body: unknown, status: number): Promise<void> =>
      expect(await api("POST", "/sandbox", body)).toMatchObject({ status });
    await refused({ buildInfo: {} }, 400);
    await refused({ buildInfo: { dockerfileContent: 5 } }, 400);
    await refused({ buildInfo: { dockerfileContent: `FROM x\n#${"x".repeat(300_000)}` } }, 400);
    await refused({ buildInfo: { dockerfileContent: "FROM x" }, snapshot: "daytona-small" }, 400);
    await refused({ buildInfo: { dockerfileContent: "FROM x", contextHashes: ["a"] } }, 501);
  });
});

describe("the commands of a build", () => {
  it("see nothing of this machine, of the server, or of another sandbox", async () => {
    const other = await fixture.client.create();
    await other.fs.uploadFile(Buffer.from("theirs"), "secret.txt");
    process.env.TASKLOOM_BUILD_SECRET = "of the server";
    const script = `cat ${fixture.state}/sandboxes/*/home/secret.txt; ls ${fixture.state} /root ${process.cwd()}; env; cat /proc/[0-9]*/environ; true`;
    const { log } = await build(["FROM x:1", `RUN ${script}`]);
    delete process.env.TASKLOOM_BUILD_SECRET;
    expect(log).toContain("HOME=/home/daytona");
    expect(log).not.toContain("theirs");
    expect(log).not.toContain("of the server");
    expect(log).not.toContain("package.json");
    expect(existsSync("/tmp/taskloom-left-by-a-build")).toBe(false);
  });

  it("leave no process behind, and write no more than the log's limit", async () => {
    const mark = marker();
    const { box, log } = await build([
      "FROM x:1",
      `RUN sleep ${mark} & echo started it`,
      "RUN head -c 3000000 /dev/zero | tr '\\\\0' x",
      "RUN echo $((6*7)) > ~/after",
    ]);
    expect(box.state).toBe("started");
    expect(await findProcesses(mark)).toEqual([]);
    expect(log.length).toBeLessThan(1_100_000);
    expect(log).toContain("is not kept");
    const built = await fixture.client.get(box.id);
    expect((await built.fs.downloadFile("after")).toString()).toBe("42\n");
  });

  it("are logged as they run, and end when the sandbox is deleted", async () => {
    const mark = marker();
    const made = await api("POST", "/sandbox", {
      buildInfo: { dockerfileContent: `FROM x:1\nRUN echo running; sleep ${mark}` },
    });
    const { url } = (await api("GET", `/sandbox/${made.body.id}/build-logs-url`)).body as unknown as { url: string };
    const answer = await fetch(`${url}?follow=true`, { headers: { authorization: `Bearer ${apiKey}` } });
    let text = "";
    const reading = (async () => {
      for await (const piece of answer.body as unknown as AsyncIterable<Uint8Array>) {
        text += Buffer.from(piece).toString();
        if (text.includes("running\n")) break;
      }
    })();
    await reading;
    expect((await api("GET", `/sandbox/${made.body.id}`)).body.state).toBe("building_snapshot");
    expect((await api("POST", `/sandbox/${made.body.id}/stop`)).status).toBe(409);
    expect((await api("DELETE", `/sandbox/${made.body.id}`)).status).toBe(200);
    expect(await findProcesses(mark)).toEqual([]);
    expect((await api("GET", `/sandbox/${made.body.id}`)).status).toBe(404);
    expect((await fetch(url)).status).toBe(401);
  });

  it("never run without isolation, even when commands are permitted", async () => {
    const open = await startFixture({ isolation: "none", hostExecAllowed: true });
    const image = Image.base("x:1").runCommands("touch /tmp/taskloom-left-by-a-build");
    await expect(open.client.create({ image })).rejects.toThrow(/need bubblewrap/);
    expect(existsSync("/tmp/taskloom-left-by-a-build")).toBe(false);
    await open.dispose();
  });
});

describe("a snapshot", () => {
  it("is built once, and every sandbox from it has its files", async () => {
    const lines: string[] = [];
    const snapshot = await fixture.client.snapshot.create(
      {
        name: "with-tools",
        image: Image.base("debian:12").env({ A: "1" }).runCommands("echo tool > ~/tool"),
        resources: { cpu: 2, memory: 2, disk: 4 },
      },
      { onLogs: (line) => lines.push(line) },
    );
    expect(snapshot).toMatchObject({ name: "with-tools", state: "active", cpu: 2, mem: 2, disk: 4, general: false });
    expect(lines.join("\n")).toContain("with-tools (active)");
    const box = await fixture.client.create({ snapshot: "with-tools" });
    expect(box).toMatchObject({ snapshot: "with-tools", cpu: 2, disk: 4 });
    expect((await box.process.executeCommand("cat ~/tool; echo $A")).result).toBe("tool\n1\n");
    const refusal = {
      status: 400,
      text: expect.stringContaining("Cannot specify Sandbox resources when using a snapshot"),
    };
    expect(await api("POST", "/sandbox", { snapshot: "with-tools", cpu: 2 })).toMatchObject(refusal);
    await fixture.client.snapshot.delete(await fixture.client.snapshot.get("with-tools"));
    await expect(fixture.client.snapshot.get("with-tools")).rejects.toMatchObject({ statusCode: 404 });
    expect((await box.process.executeCommand("cat ~/tool")).result).toBe("tool\n");
  });

  it("copies a sandbox's files as they are, and nothing from outside of it", async () => {
    const box = await fixture.client.create({ envVars: { MINE: "yes" } });
    await box.process.executeCommand(
      "echo kept > kept; ln -s /etc/passwd link; mkdir d && echo x > d/f && chmod 000 d/f d; echo t > /tmp/t",
    );
    await box.createSnapshot("of-a-sandbox");
    await box.refreshData();
    expect(box.state).toBe("started");
    expect(await fixture.client.snapshot.get("of-a-sandbox")).toMatchObject({
      sourceSandboxId: box.id,
      state: "active",
    });
    const copy = await fixture.client.create({ snapshot: "of-a-sandbox" });
    const { result } = await copy.process.executeCommand(
      "cat kept /tmp/t; readlink link; stat -c %a d; chmod 700 d; chmod 600 d/f; cat d/f; echo [$MINE]",
    );
    expect(result).toBe("kept\nt\n/etc/passwd\n0\nx\n[]\n");
    await expect(box.createSnapshot("of-a-sandbox")).rejects.toMatchObject({ statusCode: 409 });
    const page = await fixture.client.snapshot.list(1, 1);
    expect(page.items).toHaveLength(1);
    expect(page.total).toBeGreaterThan(1);
  });

  it("refuses new sandboxes while it is inactive, until it is activated", async () => {
    const made = await api("POST", "/snapshots", { name: "sleepy", imageName: "debian:12" });
    expect(made.body.state).toBe("active");
    await api("POST", `/snapshots/${made.body.id}/deactivate`);
    await expect(fixture.client.create({ snapshot: "sleepy" })).rejects.toMatchObject({
      statusCode: 400,
      message: "Snapshot sleepy is inactive",
    });
    const inactive = await fixture.client.snapshot.get("sleepy");
    expect((await fixture.client.snapshot.activate(inactive)).state).toBe("active");
    expect((await fixture.client.create({ snapshot: "sleepy" })).state).toBe("started");
    await expect(fixture.client.snapshot.activate("sleepy")).rejects.toMatchObject({ statusCode: 400 });
  });

  it("is rejected with the real server's messages when it is unknown, general or badly named", async () => {
    expect(await api("POST", "/sandbox", { snapshot: "nowhere" })).toMatchObject({
      status: 400,
      text: expect.stringContaining("Snapshot nowhere not found"),
    });
    const general = await fixture.client.snapshot.get("daytonaio/sandbox:0.5.0-slim");
    expect(general).toMatchObject({ general: true, state: "active" });
    await expect(fixture.client.snapshot.delete(general)).rejects.toMatchObject({ statusCode: 403 });
    const refused = async (body: unknown, status: number): Promise<void> =>
      expect(await api("POST", "/snapshots", body)).toMatchObject({ status });
    await refused({ name: "a b", imageName: "a:1" }, 400);
    await refused({ name: "x", imageName: "a:latest" }, 400);
    await refused({ name: "x", imageName: "a" }, 400);
    await refused({ name: "x" }, 400);
    await refused({ name: "daytona-small", imageName: "a:1" }, 409);
    await refused({ name: "x", imageName: "a:1", cpu: 64 }, 400);
    await refused({ name: "x", imageName: "a:1", gpu: 1 }, 501);
  });
});
