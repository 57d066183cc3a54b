/**
 * The Daytona-compatible server against malicious commands and clients.
 */
import { once } from "node:events";
import { mkdir, readdir, stat, symlink, writeFile } from "node:fs/promises";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import type { Sandbox } from "@daytonaio/sdk";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import {
  apiKey,
  eventually,
  type Fixture,
  findProcesses,
  marker,
  runInBackground,
  sendRaw,
  startFixture,
  visit,
} from "./daytona-fixture.ts";

const path = process.env.PATH;
let fixture: Fixture;
let sandbox: Sandbox;

beforeAll(async () => {
  process.env.TASKLOOM_TEST_SECRET = "secret-of-the-server";
  process.env.PATH = `${path}:/folder-of-the-server`;
  fixture = await startFixture();
  sandbox = await fixture.client.create();
});

afterAll(async () => {
  delete process.env.TASKLOOM_TEST_SECRET;
  process.env.PATH = path;
  await fixture.dispose();
});

async function shell(command: string, box = sandbox): Promise<string> {
  return (await box.process.executeCommand(command, undefined, undefined, 30)).result;
}

async function isServing(): Promise<void> {
  expect(await shell("echo alive")).toBe("alive\n");
}

describe("a command in a sandbox", () => {
  it("sees neither the server's environment nor its processes", async () => {
    const variables = await shell("env; cat /proc/*/environ | tr '\\0' '\\n'");
    expect(variables).not.toContain("secret-of-the-server");
    expect(variables).not.toContain("/folder-of-the-server");
    expect(variables).not.toContain(fixture.state);
    const names = await shell("cat /proc/[0-9]*/cmdline | tr '\\0' ' '");
    expect(names).not.toContain("vitest");
    expect(names).not.toContain(fixture.state);
  });

  it("sees no other sandbox, no home directory, and none of the server's files", async () => {
    const other = await fixture.client.create();
    await other.fs.uploadFile(Buffer.from("private"), "/home/daytona/other-secret.txt");
    const found = await shell(
      `find / -xdev -name other-secret.txt 2>/dev/null; ls '${fixture.state}' /root '${process.cwd()}' 2>&1`,
    );
    expect(found).not.toContain("/home/daytona/other-secret.txt");
    expect(found.match(/No such file/g)).toHaveLength(3);
    await other.delete();
  });

  it("can write only to its own folders", async () => {
    const result = await shell("for f in /usr/x /etc/x /opt/daytona/x /run/daytona/x /x; do touch $f 2>&1; done");
    expect(result.match(/Read-only file system/g)).toHaveLength(5);
  });

  it("reaches no service of this machine", async () => {
    const service = createServer((_request, response) => response.end("internal"));
    service.listen(0, "127.0.0.1");
    await once(service, "listening");
    const { port } = service.address() as AddressInfo;
    expect(await shell(`exec 3<>/dev/tcp/127.0.0.1/${port} && echo reached`)).not.toContain("reached");
    expect(await shell(`exec 3<>/dev/tcp/127.0.0.1/${fixture.server.port} && echo reached`)).not.toContain("reached");
    service.close();
  });

  it("can't fill memory or disk with its output, nor keep the server from serving", async () => {
    const command = await runInBackground(sandbox, "flood", "yes 'a line that never ends'");
    const logs = join(fixture.state, "sandboxes", sandbox.id, "logs");
    await eventually(async () => (await sizeOf(logs)) >= 62 * 1024 * 1024);
    await isServing();
    const { output } = await sandbox.process.getSessionCommandLogs("flood", command);
    expect(output?.length).toBeGreaterThan(62 * 1024 * 1024);
    expect(await sizeOf(logs)).toBeLessThan(65 * 1024 * 1024);
    await sandbox.process.deleteSession("flood");
    await isServing();
  });

  it("has the true end of its output at the end of its log, however much it printed", async () => {
    await sandbox.process.createSession("long");
    const { stdout, output } = await sandbox.process.executeSessionCommand("long", {
      command: "echo HEAD; head -c 40000000 /dev/zero | tr '\\0' x; echo; echo TAIL",
    });
    expect(stdout?.length).toBe(40_000_011);
    expect([stdout?.startsWith("HEAD\nx"), stdout?.endsWith("x\nTAIL\n"), output?.endsWith("TAIL\n")]).toEqual([
      true,
      true,
      true,
    ]);
    await sandbox.process.deleteSession("long");
  });

  it("can't confuse the server by what it sends to the keeper's socket", async () => {
    const client = `const s=require("net").connect("/run/daytona/s");s.on("error",()=>{});
      s.write(process.argv[1]==="token"?"0".repeat(32)+"\\n":"x".repeat(1e6));s.on("close",()=>console.log("cut"))`;
    await sandbox.fs.uploadFile(Buffer.from(client), "client.cjs");
    expect(await shell("node client.cjs; node client.cjs token")).toBe("cut\ncut\n");
    expect(await shell("rm -f /run/daytona/s; ln -sf /etc/hosts /run/daytona/s; echo done")).toContain("done");
    await isServing();
  });

  it("can stop at most its own sandbox, which starts again", async () => {
    const box = await fixture.client.create();
    await expect(box.process.executeCommand("kill -9 -1")).rejects.toMatchObject({ statusCode: 502 });
    await eventually(async () => (await fixture.client.get(box.id)).state === "stopped");
    await box.start();
    expect(await shell("echo again", box)).toBe("again\n");
    await box.delete();
    await isServing();
  });

  it("does not hit the keeper when it kills servers by the name of their program", async () => {
    await shell("pkill node; pkill -f node; true");
    await isServing();
  });

  it("is ended with an error when its sandbox stops, rather than left waiting", async () => {
    const box = await fixture.client.create();
    const mark = marker();
    const waiting = expect(box.process.executeCommand(`sleep ${mark}`)).rejects.toMatchObject({ statusCode: 502 });
    await eventually(async () => (await findProcesses(mark)).length > 0);
    await box.stop();
    await waiting;
    expect(await findProcesses(mark)).toEqual([]);
    await box.delete();
  });

  it("may leave folders that nobody can enter, and the sandbox can still be deleted", async () => {
    const box = await fixture.client.create();
    await shell("mkdir -p a/b && touch a/b/c && chmod 000 a/b a && ln -s /usr usr", box);
    await box.delete();
    expect(await readdir(join(fixture.state, "sandboxes"))).toEqual([sandbox.id]);
  });
});

describe("paths in a sandbox", () => {
  it("lead only into the sandbox, by dots, by links or directly", async () => {
    const secret = join(fixture.state, "secret.txt");
    await writeFile(secret, "of the host");
    await shell(`ln -s '${secret}' link; ln -s '${fixture.state}' folder`);
    for (const path of [secret, `../../..${secret}`, "link", "folder/secret.txt", "/proc/1/root/etc/shadow"]) {
      await expect(sandbox.fs.downloadFile(path)).rejects.toMatchObject({
        name: /NotFound|Authorization|AccessDenied|Forbidden/,
      });
    }
    await expect(sandbox.fs.uploadFile(Buffer.from("x"), "/usr/bin/x")).rejects.toMatchObject({ statusCode: 400 });
    await expect(sandbox.fs.downloadFile("a\0b")).rejects.toMatchObject({ statusCode: 400 });
    expect((await sandbox.fs.downloadFile("/etc/passwd")).toString()).not.toContain("vitest");
    await expect(sandbox.fs.downloadFile("/etc/shadow")).rejects.toMatchObject({ statusCode: 404 });
    await expect(sandbox.fs.deleteFile("/home/daytona", true)).rejects.toMatchObject({ statusCode: 403 });
  });

  it("of a device are rejected", async () => {
    await expect(sandbox.fs.downloadFile("/dev/zero")).rejects.toMatchObject({ statusCode: 400 });
  });
});

describe("without isolation", () => {
  let open: Fixture;

  beforeAll(async () => {
    open = await startFixture({ isolation: "none" });
  });

  afterAll(() => open.dispose());

  it("commands of the scripted model run in the sandbox's folder, without the server's secrets", async () => {
    const box = await open.client.create();
    expect(open.server).toMatchObject({ isolation: "none", refusal: undefined });
    expect(await shell("env; pwd", box)).not.toContain("secret-of-the-server");
    expect((await shell("pwd", box)).trim()).toBe(await box.getWorkDir());
    await box.delete();
  });

  it("file operations stay in the sandbox's folder, whatever links lead out of it", async () => {
    const box = await open.client.create();
    const home = (await box.getWorkDir()) ?? "";
    await writeFile(join(open.state, "secret.txt"), "of the host");
    await symlink(join(open.state, "secret.txt"), join(home, "link"));
    await symlink(join(open.state, "made-by-upload.txt"), join(home, "dangling"));
    await mkdir(join(home, "inner"));
    await symlink(open.state, join(home, "inner", "folder"));
    for (const path of [
      "link",
      "inner/folder/secret.txt",
      "../../../../../etc/passwd",
      "/etc/passwd",
      "/etc/nothing",
    ]) {
      await expect(box.fs.downloadFile(path), path).rejects.toMatchObject({ statusCode: 403 });
    }
    for (const path of ["dangling", "inner/folder/new.txt", "/etc/taskloom-test"]) {
      await expect(box.fs.uploadFile(Buffer.from("x"), path), path).rejects.toMatchObject({ statusCode: 400 });
    }
    await expect(box.fs.moveFiles("link", "moved")).rejects.toMatchObject({ statusCode: 403 });
    expect((await readdir(open.state)).sort()).toEqual(["etc", "sandboxes", "secret.txt", "snapshots"]);
    await box.fs.uploadFile(Buffer.from("mapped"), "/home/daytona/mapped.txt");
    expect((await box.fs.downloadFile("mapped.txt")).toString()).toBe("mapped");
    await box.delete();
  });

  it("commands of a real model are refused with instructions, unless they are permitted", async () => {
    const strict = await startFixture({ isolation: "none", realModel: true });
    const box = await strict.client.create();
    await expect(box.process.executeCommand("true")).rejects.toMatchObject({
      statusCode: 403,
      message: expect.stringContaining("--allow-host-exec"),
    });
    await expect(box.process.createSession("s")).rejects.toMatchObject({ statusCode: 403 });
    await box.fs.uploadFile(Buffer.from("fine"), "file.txt");
    await strict.dispose();
    const permitted = await startFixture({ isolation: "none", realModel: true, hostExecAllowed: true });
    expect(await shell("echo ran", await permitted.client.create())).toBe("ran\n");
    await permitted.dispose();
  });

  it("background processes end with the server", async () => {
    const other = await startFixture({ isolation: "none" });
    const mark = marker();
    const box = await other.client.create();
    await shell(`nohup sleep ${mark} >/dev/null 2>&1 & echo started`, box);
    await runInBackground(box, "s", `sleep ${mark}`);
    await eventually(async () => (await findProcesses(mark)).length > 0);
    await other.dispose();
    await eventually(async () => (await findProcesses(mark)).length === 0);
  });
});

describe("a malicious client", () => {
  const key = { authorization: `Bearer ${apiKey}` };

  it("gets a response to anything that is not a valid request, and the server continues", async () => {
    const { port } = fixture.server;
    const host = "Host: 127.0.0.1\r\n";
    for (const bytes of [
      "nonsense\r\n\r\n",
      "\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",
      `GET /${"a".repeat(100_000)} HTTP/1.1\r\n${host}\r\n`,
      `GET //evil/%zz?x=%zz HTTP/1.1\r\n${host}\r\n`,
      `GET http://[ HTTP/1.1\r\n${host}\r\n`,
      `GET /toolbox/%E0%A4%A/x HTTP/1.1\r\n${host}Authorization: Bearer k\r\n\r\n`,
      `GET /api/sandbox/%E0%A4%A HTTP/1.1\r\n${host}Authorization: Bearer k\r\n\r\n`,
      `POST /api/sandbox HTTP/1.1\r\n${host}Authorization: Bearer k\r\nContent-Length: 100\r\n\r\n{`,
      `GET /api/sandbox HTTP/1.1\r\n${host}Upgrade: websocket\r\nConnection: Upgrade\r\n\r\n`,
      `GET / HTTP/1.1\r\nHost: 99999-x.localhost\r\n\r\n`,
      `GET / HTTP/1.1\r\nHost: 3000-${"x".repeat(300)}.localhost\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n`,
    ]) {
      const answer = await sendRaw(port, bytes);
      expect(answer === "" || /^HTTP\/1\.1 4\d\d /.test(answer), `${bytes.slice(0, 60)} → ${answer.slice(0, 60)}`).toBe(
        true,
      );
    }
    await isServing();
  });

  it("gets the reason why its body is rejected", async () => {
    const api = `${fixture.server.apiUrl}/sandbox`;
    const exec = `http://127.0.0.1:${fixture.server.port}/toolbox/${sandbox.id}/process/execute`;
    const bodies: [url: string, body: string, status: number][] = [
      [api, "{", 400],
      [api, "[]", 400],
      [api, '{"name":5}', 400],
      [api, '{"name":"../../etc"}', 400],
      [api, '{"labels":{"a":1}}', 400],
      [api, '{"env":{"LD PRELOAD":"x"}}', 400],
      [api, '{"env":{"A":"\\u0000"}}', 400],
      [api, '{"cpu":-1}', 400],
      [api, `{"name":"${"x".repeat(9_000_000)}"}`, 413],
      [exec, '{"command":7}', 400],
      [exec, '{"command":"true","timeout":-1}', 400],
      [exec, '{"command":"true","timeout":1e12}', 400],
      [exec, '{"command":"true","cwd":{}}', 400],
      [exec, '{"command":"true","envs":{"A":"\\u0000"}}', 400],
    ];
    for (const [url, body, status] of bodies) {
      const answer = await visit(url, { method: "POST", headers: key, body }).catch(() => undefined);
      // A client that sends more than is accepted may find the connection closed before the response.
      if (answer === undefined) expect(status).toBe(413);
      else expect(answer.status, body.slice(0, 60)).toBe(status);
    }
    await isServing();
  });

  it("leaves the part that arrived when its upload is cut short, and nothing when it is malformed", async () => {
    const path = `/toolbox/${sandbox.id}/files/bulk-upload`;
    const head = (length: number): string =>
      `POST ${path} HTTP/1.1\r\nHost: 127.0.0.1\r\nAuthorization: Bearer ${apiKey}\r\n` +
      `Content-Type: multipart/form-data; boundary=b\r\nContent-Length: ${length}\r\nConnection: close\r\n\r\n`;
    const part = (name: string, body: string): string =>
      `--b\r\nContent-Disposition: form-data; name="${name}"\r\n\r\n${body}`;
    const whole = `${part("files[0].path", "cut/short.txt")}\r\n${part("files[0].file", "half of it")}`;
    await sendRaw(fixture.server.port, head(whole.length + 1_000) + whole);
    const unclosed = await sendRaw(fixture.server.port, head(whole.length) + whole, true);
    expect(unclosed).toMatch(/^HTTP\/1\.1 400 /);
    const reversed = `${part("files[0].file", "x")}\r\n${part("files[0].path", "cut/late.txt")}\r\n--b--\r\n`;
    expect(await sendRaw(fixture.server.port, head(reversed.length) + reversed, true)).toContain("must come before");
    const endless = `--b\r\nContent-Disposition: ${"x".repeat(20_000)}`;
    expect(await sendRaw(fixture.server.port, head(endless.length) + endless, true)).toMatch(/^HTTP\/1\.1 400 /);
    const left = await sandbox.fs.listFiles("cut");
    expect(left.map(({ name }) => name)).toEqual(["short.txt"]);
    // The last bytes might have been the beginning of the form's boundary.
    expect("half of it").toContain(String(await sandbox.fs.downloadFile("cut/short.txt")));
    expect(left[0]?.size).toBeGreaterThan(0);
    await isServing();
  });

  it("that reads slowly or disconnects during a download blocks nobody else", async () => {
    await shell("head -c 30000000 /dev/zero > big");
    const url = `http://127.0.0.1:${fixture.server.port}/toolbox/${sandbox.id}/files/download?path=big`;
    for (let round = 0; round < 5; round += 1) {
      const controller = new AbortController();
      const response = await fetch(url, { headers: key, signal: controller.signal });
      await response.body?.getReader().read();
      controller.abort();
    }
    const whole = await visit(url, { headers: key });
    expect(whole.body.length).toBe(30_000_000);
  });

  it("that opens more sessions than the limit is refused", async () => {
    const box = await fixture.client.create();
    await Promise.all(Array.from({ length: 256 }, (_, number) => box.process.createSession(`s${number}`)));
    await expect(box.process.createSession("one-more")).rejects.toMatchObject({ statusCode: 400 });
    await box.delete();
  });
});

async function sizeOf(folder: string): Promise<number> {
  let bytes = 0;
  for (const name of await readdir(folder, { recursive: true }).catch(() => [])) {
    bytes += (await stat(join(folder, name)).catch(() => ({ size: 0 }))).size;
  }
  return bytes;
}
