/**
 * The Daytona-compatible server under load, and with clients that disconnect during a request.
 */
import { once } from "node:events";
import { readdir } from "node:fs/promises";
import { request } from "node:http";
import { connect, type Socket } from "node:net";
import type { Sandbox } from "@daytonaio/sdk";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { WebSocket } from "ws";
import {
  apiKey,
  awaitPort,
  eventually,
  type Fixture,
  findProcesses,
  marker,
  runInBackground,
  startFixture,
} from "./daytona-fixture.ts";

let fixture: Fixture;
let sandbox: Sandbox;

beforeAll(async () => {
  fixture = await startFixture();
  sandbox = await fixture.client.create();
});

afterAll(() => fixture.dispose());

async function shell(command: string): Promise<string> {
  return (await sandbox.process.executeCommand(command, undefined, undefined, 60)).result;
}

/** Every socket and file that this process holds; a count above the earlier one is a leak. */
async function countDescriptors(): Promise<number> {
  return (await readdir("/proc/self/fd")).length;
}

describe("many commands", () => {
  it("each get their own result when 200 run at once", async () => {
    const results = await Promise.all(Array.from({ length: 200 }, (_, number) => shell(`echo ${number}`)));
    expect(results).toEqual(Array.from({ length: 200 }, (_, number) => `${number}\n`));
  });

  it("keep their order and their shell when 300 run in one session, and leave nothing open", async () => {
    await sandbox.process.createSession("thousand");
    const before = await countDescriptors();
    for (let number = 1; number <= 300; number += 1) {
      const { stdout } = await sandbox.process.executeSessionCommand("thousand", { command: "echo $((n += 1))" });
      expect(stdout).toBe(`${number}\n`);
    }
    expect((await countDescriptors()) - before).toBeLessThan(50);
    await sandbox.process.deleteSession("thousand");
    expect(await shell("ls /run/sessions | wc -l; ls /proc/[0-9]*/comm | wc -l")).toMatch(/^0\n\d\n$/);
  }, 120_000);
});

describe("large files", () => {
  it("of 100 MB are uploaded and downloaded byte for byte", async () => {
    const content = Buffer.alloc(100_000_000);
    for (let place = 0; place < content.length; place += 4_096) content.writeUInt32BE(place, place);
    await sandbox.fs.uploadFile(content, "hundred");
    const [hash] = (await shell("sha256sum < hundred")).split(" ");
    expect(hash).toBe(Buffer.from(await crypto.subtle.digest("SHA-256", content)).toString("hex"));
    expect(content.equals(await sandbox.fs.downloadFile("hundred"))).toBe(true);
  });
});

function send(head: string[], body: string | Buffer = ""): Promise<Socket> {
  return new Promise((resolve) => {
    const socket = connect(fixture.server.port, "127.0.0.1", () => {
      socket.write(`${head.join("\r\n")}\r\n\r\n`);
      socket.write(body, () => resolve(socket));
    });
    socket.on("error", () => {});
  });
}

describe("a client that disconnects", () => {
  const authorization = `Authorization: Bearer ${apiKey}`;

  it("during an upload leaves the part that arrived, and nobody who writes it", async () => {
    const head = [
      `POST /toolbox/${sandbox.id}/files/bulk-upload HTTP/1.1`,
      "Host: 127.0.0.1",
      authorization,
      "Content-Type: multipart/form-data; boundary=b",
      "Content-Length: 90000000",
    ];
    const part = (name: string): string => `--b\r\nContent-Disposition: form-data; name="${name}"\r\n\r\n`;
    const body = `${part("files[0].path")}gone/x\r\n${part("files[0].file")}${"x".repeat(5_000_000)}`;
    const socket = await send(head, body);
    await eventually(async () => Number(await shell("stat -c %s gone/x")) > 1_000_000);
    socket.resetAndDestroy();
    await eventually(async () => (await shell("ls -l /proc/[0-9]*/fd 2>/dev/null | grep -c gone/x")).trim() === "0");
    expect(await shell("ls -A gone")).toBe("x\n");
  });

  it("during downloads, logs and commands leaks no descriptor", async () => {
    await shell("head -c 20000000 /dev/zero > twenty");
    await sandbox.process.createSession("logs");
    await sandbox.process.executeSessionCommand("logs", { command: "head -c 5000000 /dev/zero | tr '\\0' x" });
    const id = (await sandbox.process.getSession("logs")).commands?.[0]?.id ?? "";
    const before = await countDescriptors();
    const paths = ["/files/download?path=twenty", `/process/session/logs/command/${id}/logs`];
    const sockets = await Promise.all(
      Array.from({ length: 20 }, (_, number) =>
        send([`GET /toolbox/${sandbox.id}${paths[number % 2]} HTTP/1.1`, "Host: 127.0.0.1", authorization]),
      ),
    );
    await Promise.all(sockets.map((socket) => once(socket, "data")));
    for (const socket of sockets) socket.resetAndDestroy();
    await eventually(async () => (await countDescriptors()) <= before + 3);
    expect(await shell("echo on")).toBe("on\n");
  });

  it("while it follows a log is released", async () => {
    const command = await runInBackground(sandbox, "followed", "while echo line; do sleep 0.05; done");
    const address = `ws://127.0.0.1:${fixture.server.port}/toolbox/${sandbox.id}`;
    const url = `${address}/process/session/followed/command/${command}/logs?follow=true`;
    const before = await countDescriptors();
    for (let round = 0; round < 10; round += 1) {
      const socket = new WebSocket(url, { headers: { authorization: `Bearer ${apiKey}` } });
      await once(socket, "message");
      socket.terminate();
    }
    await eventually(async () => (await countDescriptors()) <= before + 3);
    await sandbox.process.deleteSession("followed");
  });
});

const application = `
const { createServer } = require("node:http");
let open = 0;
createServer((request, response) => {
  if (request.url === "/open") return response.end(String(open));
  open += 1;
  response.on("close", () => { open -= 1; });
  if (request.url === "/upload") return request.resume();
  const send = () => { while (response.write("x".repeat(65536))); response.once("drain", send); };
  send();
}).listen(3000);
`;

describe("a preview", () => {
  let host: string;

  async function ask(path: string, method = "GET"): Promise<ReturnType<typeof request>> {
    const options = { host: "127.0.0.1", port: fixture.server.port, path, method, headers: { host }, agent: false };
    const sent = request(options);
    sent.on("error", () => {});
    return sent;
  }

  async function countOpen(): Promise<number> {
    return Number(
      await shell("exec 3<>/dev/tcp/127.0.0.1/3000; printf 'GET /open HTTP/1.0\\r\\n\\r\\n' >&3; tail -n 1 <&3"),
    );
  }

  beforeAll(async () => {
    await sandbox.fs.uploadFile(Buffer.from(application), "endless.cjs");
    await runInBackground(sandbox, "endless", "node endless.cjs");
    await awaitPort(sandbox, 3000);
    host = new URL((await sandbox.getSignedPreviewUrl(3000, 600)).url).host;
  });

  it("holds back an endless response for a client that doesn't read, in bounded memory", async () => {
    const before = process.memoryUsage().rss;
    const slow = await Promise.all(
      Array.from({ length: 10 }, async () => {
        const sent = await ask("/");
        sent.end();
        const [response] = await once(sent, "response");
        response.pause();
        return sent;
      }),
    );
    await eventually(async () => (await countOpen()) === 10);
    // Each of these takes a while on the same path, so the endless responses had time to fill any buffer.
    for (let round = 0; round < 20; round += 1) await countOpen();
    expect(process.memoryUsage().rss - before).toBeLessThan(150_000_000);
    for (const sent of slow) sent.destroy();
    await eventually(async () => (await countOpen()) === 0);
  });

  it("closes the application's connection when its client disconnects, in the middle of a response or a request body", async () => {
    const reading = await ask("/");
    reading.end();
    const [response] = await once(reading, "response");
    await once(response, "data");
    const sending = await ask("/upload", "POST");
    sending.write("x".repeat(100_000));
    await eventually(async () => (await countOpen()) === 2);
    reading.destroy();
    sending.destroy();
    await eventually(async () => (await countOpen()) === 0);
  });
});

it("without a client lets a command of `execute` run until its time is up", async () => {
  const mark = marker();
  const head = [
    `POST /toolbox/${sandbox.id}/process/execute HTTP/1.1`,
    "Host: 127.0.0.1",
    `Authorization: Bearer ${apiKey}`,
  ];
  const body = JSON.stringify({ command: `sleep ${mark}`, timeout: 2 });
  const socket = await send([...head, `Content-Length: ${body.length}`], body);
  await eventually(async () => (await findProcesses(mark)).length > 0);
  socket.resetAndDestroy();
  await eventually(async () => (await findProcesses(mark)).length === 0);
});
