/**
 * Unusual names and targets: every file route of the Daytona-compatible server responds, and soon.
 */
import type { Sandbox } from "@daytonaio/sdk";
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { apiKey, eventually, type Fixture, startFixture, visit } from "./daytona-fixture.ts";

let fixture: Fixture;
let sandbox: Sandbox;
let toolbox: string;

const key = { authorization: `Bearer ${apiKey}` };

beforeAll(async () => {
  fixture = await startFixture();
  sandbox = await fixture.client.create();
  toolbox = `http://127.0.0.1:${fixture.server.port}/toolbox/${sandbox.id}`;
});

afterAll(() => fixture.dispose());

async function ask(method: string, path: string, body?: string): Promise<{ status: number; body: string }> {
  return visit(toolbox + path, { method, headers: key, body });
}

async function upload(path: string, content = "content"): Promise<number> {
  const form = new FormData();
  form.append("files[0].path", path);
  form.append("files[0].file", new Blob([content]), "file");
  const response = await fetch(`${toolbox}/files/bulk-upload`, { method: "POST", headers: key, body: form });
  await response.text();
  return response.status;
}

describe("file names in any script", () => {
  const names = ["文.txt", "日本 語.md", "o'(r)*.txt", 'quote".txt', "tab\t.txt", "\u0001.txt", "😀.md"];

  for (const name of names) {
    it(`are downloaded unchanged: ${JSON.stringify(name)}`, async () => {
      await sandbox.fs.uploadFile(Buffer.from(name), name);
      const answer = await visit(`${toolbox}/files/download?path=${encodeURIComponent(name)}`, { headers: key });
      expect({ status: answer.status, body: answer.body }).toEqual({ status: 200, body: name });
      const header = answer.headers["content-disposition"] ?? "";
      expect(header).toMatch(/^[\x20-\x7e]+$/);
      const [, starred = ""] = /filename\*=UTF-8''([A-Za-z0-9!#$&+.^_`|~%-]+)$/.exec(header) ?? [];
      expect(decodeURIComponent(starred)).toBe(name);
      expect((await sandbox.fs.downloadFile(name)).toString()).toBe(name);
    });
  }
});

describe("unusual targets", () => {
  // The daemon moves a file over a link that leads nowhere, so each test begins with all of them.
  beforeEach(async () => {
    const makeSocket = "import socket; socket.socket(socket.AF_UNIX).bind('socket')";
    const make = "mkfifo pipe; ln -s loop2 loop1; ln -s loop1 loop2; mkdir folder; echo text > file";
    await sandbox.process.executeCommand(
      `rm -rf pipe loop1 loop2 folder file socket; ${make}; python3 -c "${makeSocket}"`,
    );
  });

  const targets: Record<string, string> = {
    "a folder of /proc that can't be": "/proc/nowhere/x",
    "a process's folder": "/proc/1/x",
    "a pseudo file without end": "/proc/self/pagemap",
    "the null device": "/dev/null",
    "the full device": "/dev/full",
    "the endless device": "/dev/zero",
    "a descriptor": "/dev/fd/0",
    "a missing system folder": "/sys/x/y",
    "a pipe": "pipe",
    "a socket": "socket",
    "a loop of links": "loop1",
    "below a loop of links": "loop1/x",
    "a folder": "folder",
    "below a file": "file/x",
    "a name of 256 bytes": "n".repeat(256),
    "a Chinese name of 300 bytes": "文".repeat(100),
    "a path of 9,000 bytes": "p/".repeat(4_500),
    "a path with NUL": "a\0b",
  };

  for (const [what, target] of Object.entries(targets)) {
    it(`get a response: ${what}`, async () => {
      const path = encodeURIComponent(target);
      const asked: [string, string, string?][] = [
        ["GET", `/files/download?path=${path}`],
        ["POST", "/files/bulk-download", JSON.stringify({ paths: [target] })],
        ["GET", `/files/info?path=${path}`],
        ["GET", `/files?path=${path}`],
        ["GET", `/files/find?path=${path}&pattern=nothing`],
        ["GET", `/files/search?path=${path}&pattern=nothing`],
        ["POST", `/files/move?source=file&destination=${path}`],
        ["POST", `/files/folder?path=${path}&mode=755`],
      ];
      // What is written into a pipe is there for whoever reads it.
      expect(await upload(target), "upload").toBe(target === "pipe" ? 200 : 400);
      for (const [method, route, body] of asked) {
        if (target === "pipe" && route.includes("download")) continue;
        const answer = await ask(method, route, body);
        expect(answer.status, `${method} ${route.slice(0, 80)}: ${answer.body.slice(0, 200)}`).toBeLessThan(500);
        await ask("POST", `/files/move?source=${path}&destination=file`);
      }
      expect((await ask("GET", "/files?path=.")).status).toBe(200);
    });
  }

  it("that are pipes are read for as long as the client waits", async () => {
    for (const [method, route, body] of [
      ["GET", "/files/download?path=pipe", undefined],
      ["POST", "/files/bulk-download", JSON.stringify({ paths: ["pipe"] })],
    ] as const) {
      const leave = new AbortController();
      const answer = fetch(toolbox + route, { method, headers: key, body, signal: leave.signal }).then((response) =>
        response.text(),
      );
      // The next request is answered, and this one still waits.
      expect((await ask("GET", "/files?path=.")).status).toBe(200);
      leave.abort();
      await expect(answer).rejects.toThrow(/abort/i);
    }
  });

  it("that are refused get a status and no word", async () => {
    for (const route of ["/files/info?path=none", "/files?path=file", "/files/download?path=folder"]) {
      const { status, body } = await ask("GET", route);
      expect([status, body]).toEqual([route.includes("none") ? 404 : 400, ""]);
    }
  });

  it("keep the part of an upload that arrived, where it is cut", async () => {
    const cut = await fixture.client.create();
    const head = [
      '--x\r\nContent-Disposition: form-data; name="files[0].path"\r\n\r\nbegun',
      '\r\n--x\r\nContent-Disposition: form-data; name="files[0].file"; filename="f"\r\n\r\ncontent',
      "x".repeat(100_000),
    ].join("");
    await cut.fs.uploadFile(Buffer.from("what was there"), "begun");
    const body = new ReadableStream({ start: (controller) => controller.enqueue(Buffer.from(head)) });
    const headers = { ...key, "content-type": "multipart/form-data; boundary=x" };
    const leave = new AbortController();
    const address = `${toolbox.replace(sandbox.id, cut.id)}/files/bulk-upload`;
    const options = { method: "POST", headers, body, duplex: "half", signal: leave.signal } as RequestInit;
    const sent = fetch(address, options).catch(() => null);
    const read = async () => (await cut.process.executeCommand("head -c 10 begun")).result;
    await eventually(async () => (await read()) === "contentxxx");
    leave.abort();
    await sent;
    expect(await read()).toBe("contentxxx");
  });

  it("can't be deleted with the system's folders, and the sandbox continues", async () => {
    for (const path of ["/proc", "/dev", "/usr", "/"]) {
      const { status } = await ask("DELETE", `/files?path=${path}&recursive=true`);
      expect(status, path).toBeGreaterThanOrEqual(400);
    }
    expect((await sandbox.process.executeCommand("echo alive")).result).toBe("alive\n");
  });
});

describe("the kernel's settings", () => {
  it("can't be changed by a command, whichever user started the server", async () => {
    // Opened only, never written: on a server without this protection a write would reach the machine.
    const probe = `import os
for root, folders, files in os.walk("/proc"):
    if root == "/proc": folders[:] = [f for f in folders if not f.isdigit() and f not in ("self", "thread-self")]
    for name in files:
        try:
            os.close(os.open(os.path.join(root, name), os.O_WRONLY | os.O_NONBLOCK))
            print(os.path.join(root, name))
        except OSError: pass`;
    await sandbox.fs.uploadFile(Buffer.from(probe), "probe.py");
    expect((await sandbox.process.executeCommand("python3 probe.py | grep -v '^/proc/cpuinfo$'")).result).toBe("");
  });
});
