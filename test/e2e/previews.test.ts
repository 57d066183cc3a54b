// Links to a program in a sandbox under a preview domain of our own, as a visitor uses them.
import { readFile } from "node:fs/promises";
import { request as send } from "node:http";
import { join } from "node:path";
import { gunzipSync } from "node:zlib";
import type { Sandbox } from "@daytonaio/sdk";
import type { Browser } from "playwright-core";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { WebSocket } from "ws";
import { hasBrowser, openBrowser } from "../setup/browser.ts";
import { clientOf, type ServerClient } from "../setup/server-client.ts";
import { makeState, type StartedServer, type StatePlace, startServer } from "../setup/started-server.ts";
import {
  type Answer,
  awaitPort,
  connectClient,
  eventually,
  runInBackground,
  sendRaw,
  visit,
} from "./daytona-fixture.ts";
import { previewProgram } from "./preview-program.ts";

interface Preview {
  port: number;
  url: string;
  expires_at: string;
}

let place: StatePlace;
let server: StartedServer;
let taskloom: ServerClient;
let port: string;
let box: Sandbox;
let shop: string;

beforeAll(async () => {
  place = await makeState();
  server = await startServer(place.state);
  taskloom = clientOf(server);
  port = String(server.port);
  for (const project_id of ["shop", "empty"]) await taskloom.json("POST", "/v1/projects", { project_id, name: "P" });
  await taskloom.json("POST", "/v1/projects/shop/sandbox/start");
  const sandboxPort = await readFile(join(place.state, "start/sandbox-port"), "utf8");
  const sandboxKey = (await readFile(join(place.state, "start/sandbox-key"), "utf8")).trim();
  const client = connectClient({ apiUrl: `http://127.0.0.1:${sandboxPort}/api` }, sandboxKey);
  for await (const found of client.list()) box = await client.get(found.id);
  await box.fs.uploadFile(Buffer.from(previewProgram), "program.cjs");
  await runInBackground(box, "program", "node program.cjs");
  await awaitPort(box, 3000);
  shop = await makeLink(3000);
});

afterAll(async () => {
  await server?.stop();
  await place?.removeState();
});

async function makeLink(of: number, project = "shop", seconds?: number): Promise<string> {
  const body = { port: of, ...(seconds === undefined ? {} : { expires_in_seconds: seconds }) };
  const made = await taskloom.json<Preview>("POST", `/v1/projects/${project}/sandbox/previews`, body);
  return new URL(made.url).origin;
}

async function see(path: string, headers: Record<string, string> = {}): Promise<Record<string, never>> {
  const { status, body } = await visit(shop + path, { headers });
  expect(status, body).toBe(200);
  return JSON.parse(body);
}

async function reasonOf(address: string, headers: Record<string, string> = {}): Promise<string> {
  const { status, body } = await visit(address, { headers });
  return `${status} ${(JSON.parse(body) as { reason: string }).reason}`;
}

describe("a request to a link", () => {
  it("reaches the program as it was sent, without a header of ours or of Daytona's", async () => {
    const { token } = await box.getPreviewLink(3000);
    const { method, path, headers } = (await see("/a%20b//c%2Fd?x=%20&y", {
      authorization: "Bearer of-the-visitor",
      cookie: "theirs=1; daytona-sandbox-auth-x=2",
      "x-daytona-authorization": "Bearer forged",
      "x-forwarded-for": "6.6.6.6",
      "x-forwarded-host": "evil.example",
      "x-own": "kept",
    })) as unknown as { method: string; path: string; headers: Record<string, string> };
    expect({ method, path }).toEqual({ method: "GET", path: "/a%20b//c%2Fd?x=%20&y" });
    expect(headers).toMatchObject({
      authorization: "Bearer of-the-visitor",
      cookie: "theirs=1",
      "x-own": "kept",
      // Daytona's proxy adds its own name.
      "x-forwarded-host": expect.stringMatching(new RegExp(`^${new URL(shop).host}, [\\w.:-]+$`)),
      "x-forwarded-proto": "http",
      host: "localhost:3000",
    });
    const seen = JSON.stringify(headers);
    for (const secret of [token, server.key, "6.6.6.6", "forged"]) expect(seen).not.toContain(secret);
    // The platform itself adds the zone that a Worker's request comes from.
    expect(Object.keys(headers).filter((name) => /^(x-daytona|cf-(?!worker)|mf-)/.test(name))).toEqual([]);
  });

  it("carries bodies of megabytes both ways, with their length where it was given", async () => {
    const body = "x".repeat(5_000_000);
    const answer = await visit(`${shop}/echo`, {
      method: "PUT",
      body,
      headers: { "content-length": String(body.length) },
    });
    expect(answer.body.length).toBe(body.length);
    expect(answer.headers["x-length"]).toBe(String(body.length));
  });

  it("is answered with each kind of response as the program gave it", async () => {
    const [none, unchanged, part, head, login, own] = await Promise.all([
      visit(`${shop}/none`),
      visit(`${shop}/unchanged`, { headers: { "if-none-match": '"1"' } }),
      visit(`${shop}/part`, { headers: { range: "bytes=0-3" } }),
      visit(`${shop}/head`, { method: "HEAD" }),
      visit(`${shop}/login`),
      visit(`${shop}/own502`),
    ]);
    expect(none).toMatchObject({ status: 204, body: "" });
    expect(unchanged).toMatchObject({ status: 304, headers: { etag: '"1"' } });
    expect(unchanged.headers.location).toBeUndefined();
    expect(part).toMatchObject({ status: 206, body: "part", headers: { "x-range": "bytes=0-3" } });
    expect(head).toMatchObject({ status: 200, headers: { "content-length": "1234" } });
    expect(login).toMatchObject({ status: 401, body: "who?", headers: { "www-authenticate": "Basic" } });
    expect(own).toMatchObject({ status: 502, body: "my own" });
  });

  it("may have longer headers than Node accepts by default, and so may its response", async () => {
    const long = "x".repeat(20_000);
    const head = `GET /long HTTP/1.1\r\nHost: ${new URL(shop).host}\r\nX-Long: ${long}\r\nConnection: close\r\n\r\n`;
    const answer = await sendRaw(Number(port), head, true);
    expect(answer).toMatch(/^HTTP\/1.1 200 /);
    expect(answer.split(long)).toHaveLength(3);
  });

  it("passes compressed content on unchanged", async () => {
    const { bytes, headers } = await readBytes(`${shop}/zipped`);
    expect(headers["content-encoding"]).toBe("gzip");
    expect(gunzipSync(bytes).length).toBe(1000);
  });

  it("streams a response as it is written, and ends it at the program when the visitor leaves", async () => {
    const first = await new Promise<string>((resolve, reject) => {
      const { host } = new URL(shop);
      const sent = send({ host: "127.0.0.1", port, path: "/stream", headers: { host } }, (response) => {
        response.on("error", () => {});
        response.once("data", (chunk: Buffer) => {
          resolve(chunk.toString());
          sent.destroy();
        });
      });
      sent.on("error", reject);
      sent.end();
    });
    expect(first).toBe("data: first\n\n");
    await eventually(async () => (await visit(`${shop}/closed`)).body === "1");
  });

  it("carries a WebSocket with its protocol, and a refusal of one", async () => {
    const { host } = new URL(shop);
    const socket = new WebSocket(`ws://127.0.0.1:${port}/socket`, ["chat", "other"], { headers: { host } });
    const heard = await new Promise<string>((resolve, reject) => {
      socket.on("error", reject);
      socket.on("open", () => socket.send("hello"));
      socket.on("message", (data: Buffer) => resolve(data.toString()));
    });
    expect(heard).toBe("hello");
    expect(socket.protocol).toBe("chat");
    socket.terminate();
    const refused = await new Promise<string>((resolve) => {
      new WebSocket(`ws://127.0.0.1:${port}/refused`, { headers: { host } }).on("error", ({ message }) =>
        resolve(message),
      );
    });
    expect(refused).toContain("403");
  });

  it("is redirected where a visitor can go", async () => {
    const follow = async (to: string) => {
      const { headers } = await visit(`${shop}/redirect?to=${encodeURIComponent(to)}`);
      return headers.location;
    };
    expect(await follow("/home")).toBe("/home");
    expect(await follow("there")).toBe("there");
    expect(await follow("http://localhost:3000/home?a=1#b")).toBe(`${shop}/home?a=1#b`);
    expect(await follow("http://localhost:3001/home")).toBe("http://localhost:3001/home");
    expect(await follow("https://example.com/")).toBe("https://example.com/");
  });

  it("receives cookies that stay on its host and work over http", async () => {
    const { headers } = await visit(`${shop}/cookies`);
    expect(headers["set-cookie"]).toEqual(["a=1; Path=/; SameSite=Lax", "b=2; HttpOnly"]);
  });
});

describe("a link", () => {
  it("opens its own port with its own token on its own host, and nothing else", async () => {
    const { host } = new URL(shop);
    const [label = ""] = host.split(".");
    const token = label.slice("3000-".length);
    const other = new URL(await makeLink(3001, "empty")).host.split(".")[0]?.slice("3001-".length) ?? "";
    const at = (name: string) => reasonOf(`http://${name}:${port}/`, { host: `${name}:${port}` });
    const names = ["3000-.localhost", `3000-${"a".repeat(26)}.localhost`, `3001-${token}.localhost`];
    names.push(`3000-${other}.localhost`, `2280-${token}.localhost`, `03000-${token}.localhost`);
    names.push(`x.${label}.localhost`, `${label}x.localhost`, "x.localhost");
    for (const name of names) expect(await at(name), name).toBe("404 unknown_link");
    // A name that ends with a dot is another origin; capitals are the same host.
    expect((await visit(shop, { headers: { host: `${label}.localhost.:${port}` } })).status).toBe(404);
    expect((await visit(shop, { headers: { host: `${label.toUpperCase()}.LOCALHOST:${port}` } })).status).toBe(200);
  });

  it("never leads to the app, to the page or out of its port", async () => {
    for (const path of ["/healthz", "/v1/projects", "/", "/index.html"]) {
      expect(await see(path)).toMatchObject({ path, headers: { host: "localhost:3000" } });
    }
    expect((await see("/../../files")).path).toBe("/files");
    expect(await reasonOf(`${shop}/..%2f..%2ffiles`)).toBe("400 bad_path");
    expect((await visit(shop, { method: "TRACE" })).status).toBe(405);
    expect((await visit(`${server.url}/healthz`)).status).toBe(200);
  });

  it("can't be created for the sandbox's own ports, nor for an invalid one", async () => {
    const make = (body: unknown) => taskloom.request("POST", "/v1/projects/shop/sandbox/previews", body);
    expect((await make({ port: 2280 })).status).toBe(403);
    for (const body of [{ port: 0 }, { port: 65_536 }, { port: "3000" }, { port: 3000, expires_in_seconds: 0 }, {}]) {
      expect((await make(body)).status).toBe(400);
    }
    expect((await make({ port: 3000, host: "x" })).status).toBe(400);
    expect((await taskloom.request("POST", "/v1/projects/none/sandbox/previews", { port: 1 })).status).toBe(404);
  });

  it("ends at once when it is revoked, and is listed until then", async () => {
    const link = await makeLink(3002);
    const list = () => taskloom.json<{ data: Preview[] }>("GET", "/v1/projects/shop/sandbox/previews");
    expect((await list()).data.map((preview) => preview.port)).toEqual([3000, 3002]);
    expect(await reasonOf(link)).toBe("502 nothing_listens");
    const revoke = () => taskloom.request("DELETE", "/v1/projects/shop/sandbox/previews/3002");
    expect((await revoke()).status).toBe(204);
    expect(await reasonOf(link)).toBe("404 unknown_link");
    expect((await revoke()).status).toBe(404);
    expect((await list()).data.map((preview) => preview.port)).toEqual([3000]);
  });

  it("ends when it expires, and when the port gets another", async () => {
    const first = await makeLink(3003);
    const second = await makeLink(3003, "shop", 1);
    expect(await reasonOf(first)).toBe("404 unknown_link");
    await eventually(async () => (await reasonOf(second)) === "404 unknown_link");
  });

  it("into a project without a running sandbox says that it is stopped, and starts none", async () => {
    const link = await makeLink(3000, "empty");
    expect(await reasonOf(link)).toBe("503 asleep");
    const headers = { accept: "text/html", "accept-language": "zh-CN,en;q=0.5" };
    const page = await visit(link, { headers });
    expect(page.body).toContain("沙箱正在休眠");
    expect(page.headers).toMatchObject({ "cache-control": "no-store" });
    expect(page.headers["content-security-policy"]).toContain("default-src 'none'");
    expect(await taskloom.json("GET", "/v1/projects/empty/sandbox")).toMatchObject({ state: "none" });
  });
});

describe("a sandbox that was restarted", () => {
  it("is reached with its new token; a client that sent a body to the old one is asked to send it again", async () => {
    await see("/before");
    await taskloom.json("POST", "/v1/projects/shop/sandbox/stop");
    await taskloom.json("POST", "/v1/projects/shop/sandbox/start");
    await runInBackground(box, "again", "node program.cjs");
    await awaitPort(box, 3000);
    const send = () => visit(`${shop}/echo`, { method: "POST", body: "hello" });
    expect(JSON.parse((await send()).body)).toMatchObject({ status: 503, reason: "restarted" });
    expect((await send()).body).toBe("hello");
    await see("/after");
  });
});

describe.skipIf(!hasBrowser)("in a browser", () => {
  let browser: Browser;
  beforeAll(async () => {
    browser = await openBrowser();
  });
  afterAll(() => browser?.close());

  it("a program runs on an origin of its own; what is not there yet appears as soon as it is", async () => {
    const page = await browser.newPage();
    page.setDefaultTimeout(60_000);
    await page.goto(`${shop}/page`);
    expect(await page.title()).toBe(`ran ${new URL(shop).host}`);
    expect((await page.context().cookies()).map(({ name, domain }) => [name, domain])).toEqual([
      ["seen", new URL(shop).hostname],
    ]);
    const reached = await page.evaluate((url) => fetch(`${url}/healthz`).then(String, () => "refused"), server.url);
    expect(reached).toBe("refused");

    await page.goto(await makeLink(3004));
    expect(await page.getByRole("heading").textContent()).toBe("Nothing is running here yet");
    await runInBackground(box, "late", `node -e '${late}'`);
    await page.getByRole("heading", { name: "here", exact: true }).waitFor();
  });
});

const late = `require("http").createServer((q, r) => r.end("<h1>here</h1>")).listen(3004)`;

function readBytes(address: string): Promise<{ bytes: Buffer; headers: Answer["headers"] }> {
  const { host, pathname } = new URL(address);
  return new Promise((resolve, reject) => {
    const headers = { host, "accept-encoding": "gzip" };
    const sent = send({ host: "127.0.0.1", port, path: pathname, headers }, (response) => {
      const chunks: Buffer[] = [];
      response.on("data", (chunk: Buffer) => chunks.push(chunk));
      response.on("end", () => resolve({ bytes: Buffer.concat(chunks), headers: response.headers }));
    });
    sent.on("error", reject);
    sent.end();
  });
}
