/**
 * Previews of the Daytona-compatible server: what user code serves, on hosts of its own.
 */
import { request } from "node:http";
import type { Sandbox } from "@daytonaio/sdk";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { WebSocket } from "ws";
import { apiKey, awaitPort, type Fixture, runInBackground, startFixture, visit } from "./daytona-fixture.ts";

let fixture: Fixture;
let red: Sandbox;
let blue: Sandbox;

/** Reports what reached it, streams slowly, echoes bodies, speaks WebSocket (by hand) and breaks HTTP on request. */
const application = `
const { createServer } = require("node:http");
const { createHash } = require("node:crypto");
const server = createServer((request, response) => {
  if (request.url === "/slow") {
    response.writeHead(200, { "content-type": "text/event-stream" });
    response.write("data: first\\n\\n");
    request.socket.on("close", () => console.log("gone"));
    return;
  }
  if (request.url === "/echo") return request.pipe(response);
  if (request.url === "/broken") return request.socket.end("HTTP/1.1 099 Odd\\r\\ncontent-length: 0\\r\\n\\r\\n");
  if (request.url === "/cut") return request.socket.end("HTTP/1.1 200 OK\\r\\ncontent-length: 100\\r\\n\\r\\nhalf");
  if (request.url === "/login") {
    response.writeHead(302, { location: "/home", "set-cookie": ["a=1; Path=/", "b=2"] });
    return response.end();
  }
  response.setHeader("content-type", "application/json");
  response.end(JSON.stringify({ colour: process.argv[2], url: request.url, headers: request.headers }));
});
server.on("upgrade", (request, socket) => {
  if (request.url === "/refused") return socket.end("HTTP/1.1 403 Forbidden\\r\\ncontent-length: 2\\r\\n\\r\\nno");
  const accept = createHash("sha1").update(request.headers["sec-websocket-key"] + "258EAFA5-E914-47DA-95CA-C5AB0DC85B11");
  socket.write("HTTP/1.1 101 Switching Protocols\\r\\nUpgrade: websocket\\r\\nConnection: Upgrade\\r\\n" +
    "Sec-WebSocket-Accept: " + accept.digest("base64") + "\\r\\n\\r\\n");
  const { authorization, cookie, "x-daytona-preview-token": token } = request.headers;
  const seen = [request.url, authorization, cookie, token].join("|");
  const text = Buffer.from(request.url.startsWith("/seen") ? seen : "hello from " + process.argv[2]);
  socket.write(Buffer.concat([Buffer.from([0x81, text.length]), text]));
});
server.listen(3000, "127.0.0.1");
`;

interface Seen {
  colour: string;
  url: string;
  headers: Record<string, string>;
}

beforeAll(async () => {
  fixture = await startFixture();
  const colours = ["red", "blue"];
  const boxes = await Promise.all(
    colours.map(async (colour) => {
      const box = await fixture.client.create();
      await box.fs.uploadFile(Buffer.from(application), "app.cjs");
      await runInBackground(box, "app", `node app.cjs ${colour}`);
      await awaitPort(box, 3000);
      return box;
    }),
  );
  [red, blue] = boxes as [Sandbox, Sandbox];
});

afterAll(() => fixture.dispose());

async function see(address: string, headers: Record<string, string> = {}): Promise<Seen> {
  const { status, body } = await visit(address, { headers });
  expect(status, body).toBe(200);
  return JSON.parse(body) as Seen;
}

describe("access to a preview", () => {
  it("shows each of two sandboxes its own server on the same port", async () => {
    const [first, second] = await Promise.all([red.getPreviewLink(3000), blue.getPreviewLink(3000)]);
    expect((await see(first.url, { "x-daytona-preview-token": first.token })).colour).toBe("red");
    expect((await see(second.url, { "x-daytona-preview-token": second.token })).colour).toBe("blue");
    expect((await visit(first.url, { headers: { "x-daytona-preview-token": second.token } })).status).toBe(401);
  });

  it("accepts a signed address at once, and then its cookie", async () => {
    const { url } = await red.getSignedPreviewUrl(3000);
    const opened = await visit(url);
    expect(opened.status).toBe(200);
    const cookie = opened.headers["set-cookie"]?.[0] ?? "";
    expect(cookie).toMatch(/HttpOnly/);
    const plain = await red.getPreviewLink(3000);
    const seen = await see(plain.url, { cookie: `theirs=1; ${cookie.split(";")[0]}` });
    expect(seen.headers.cookie).toBe("theirs=1");
  });

  it("ends when a signed address expires or is revoked", async () => {
    const { url, token } = await red.getSignedPreviewUrl(3000, 1);
    expect((await visit(url)).status).toBe(200);
    await expect.poll(async () => (await visit(url)).status, { interval: 100, timeout: 30_000 }).toBe(401);
    const revoked = await red.getSignedPreviewUrl(3000);
    await red.expireSignedPreviewUrl(3000, revoked.token);
    expect((await visit(revoked.url)).status).toBe(401);
    expect(token).not.toBe(revoked.token);
  });

  it("by a signed address is for its port only", async () => {
    const { url } = await red.getSignedPreviewUrl(3000);
    expect((await visit(url.replace("//3000-", "//3001-"))).status).toBe(401);
  });

  it("accepts a token in the query, which user code never sees, and sets no cookie for it, as 0.190", async () => {
    const { url, token } = await red.getPreviewLink(3000);
    const opened = await visit(`${url}/a/../b?x=1&DAYTONA_SANDBOX_AUTH_KEY=${token}&y=%20`);
    expect((JSON.parse(opened.body) as Seen).url).not.toContain(token);
    expect((JSON.parse(opened.body) as Seen).url).toContain("x=1");
    expect(opened.headers["set-cookie"]).toBeUndefined();
  });

  it("is refused without credentials, and accepts the API key without showing it to user code", async () => {
    const { url } = await red.getPreviewLink(3000);
    expect((await visit(url)).status).toBe(401);
    const seen = await see(url, { authorization: `Bearer ${apiKey}` });
    expect(JSON.stringify(seen)).not.toContain(apiKey);
  });

  it("leaves an application its own Authorization header", async () => {
    const { url, token } = await red.getPreviewLink(3000);
    const headers = { "x-daytona-preview-token": token, authorization: "Bearer of-the-application" };
    const seen = await see(url, headers);
    expect(seen.headers.authorization).toBe("Bearer of-the-application");
    expect(JSON.stringify(seen)).not.toContain(token);
    const careless = await see(url, { ...headers, authorization: `Bearer ${apiKey}` });
    expect(careless.headers.authorization).toBeUndefined();
  });

  it("works below the toolbox's address too, with the sandbox's token or a key, and passes neither on", async () => {
    const { token } = await red.getPreviewLink(3000);
    const address = `${red.toolboxProxyUrl}/${red.id}/proxy/3000`;
    const headers = { "x-daytona-preview-token": token, authorization: "Bearer of-the-application" };
    const seen = await see(`${address}/a%20b?x=1`, headers);
    expect(seen).toMatchObject({ colour: "red", url: "/a%20b?x=1" });
    expect(seen.headers).toMatchObject({ host: "localhost:3000", authorization: "Bearer of-the-application" });
    expect(JSON.stringify(seen)).not.toContain(token);
    expect(JSON.stringify(await see(address, { authorization: `Bearer ${apiKey}` }))).not.toContain(apiKey);
    expect((await visit(address)).status).toBe(401);
    const wrong = (await blue.getPreviewLink(3000)).token;
    expect((await visit(address, { headers: { "x-daytona-preview-token": wrong } })).status).toBe(401);
    expect((await visit(`${red.toolboxProxyUrl}/${red.id}/proxy/3999/`, { headers })).status).toBe(502);
  });

  it("below the toolbox's address has the sandbox's path before every redirect, as Daytona's proxy does", async () => {
    const { token } = await red.getPreviewLink(3000);
    const address = `${red.toolboxProxyUrl}/${red.id}/proxy/3000/login`;
    const answer = await visit(address, { headers: { "x-daytona-preview-token": token } });
    expect(answer.headers.location).toBe(`/toolbox/${red.id}/home`);
  });

  it("needs no token when the sandbox is public", async () => {
    const box = await fixture.client.create({ public: true });
    await box.fs.uploadFile(Buffer.from(application), "app.cjs");
    await runInBackground(box, "app", "node app.cjs open");
    await awaitPort(box, 3000);
    expect((await see((await box.getPreviewLink(3000)).url)).colour).toBe("open");
    await box.delete();
  });
});

describe("a preview", () => {
  it("streams a response as it is written", async () => {
    const { url } = await red.getSignedPreviewUrl(3000);
    const { host, port } = new URL(url);
    const first = await new Promise<string>((resolve, reject) => {
      const sent = request({ host: "127.0.0.1", port, path: "/slow", headers: { host } }, (response) => {
        response.once("data", (chunk: Buffer) => {
          resolve(chunk.toString());
          sent.destroy();
        });
      });
      sent.on("error", reject);
      sent.end();
    });
    expect(first).toBe("data: first\n\n");
  });

  it("passes bodies of megabytes in both directions", async () => {
    const { url } = await red.getSignedPreviewUrl(3000);
    const body = "x".repeat(5_000_000);
    expect((await visit(`${url}/echo`, { method: "POST", body })).body.length).toBe(body.length);
  });

  it("leaves redirects and cookies of user code alone", async () => {
    const { url, token } = await red.getPreviewLink(3000);
    const answer = await visit(`${url}/login`, { headers: { "x-daytona-preview-token": token } });
    expect(answer).toMatchObject({ status: 302, headers: { location: "/home", "set-cookie": ["a=1; Path=/", "b=2"] } });
  });

  it("passes a WebSocket, and a refusal of one", async () => {
    const { url, token } = await blue.getPreviewLink(3000);
    const { host, port } = new URL(url);
    const open = (path: string): WebSocket =>
      new WebSocket(`ws://127.0.0.1:${port}${path}?DAYTONA_SANDBOX_AUTH_KEY=${token}`, { headers: { host } });
    const text = await new Promise<string>((resolve, reject) => {
      const socket = open("/");
      socket.on("error", reject);
      socket.on("message", (data: Buffer) => {
        resolve(data.toString());
        socket.terminate();
      });
    });
    expect(text).toBe("hello from blue");
    const refused = await new Promise<string>((resolve) => {
      open("/refused").on("error", (error) => resolve(error.message));
    });
    expect(refused).toContain("403");
  });
});

describe("keys and tokens", () => {
  it("are removed from a WebSocket before user code sees it, and the application's own headers are left", async () => {
    const { url, token } = await red.getPreviewLink(3000);
    const { host, port } = new URL(url);
    const seen = (path: string, headers: Record<string, string>): Promise<string> =>
      new Promise((resolve, reject) => {
        const socket = new WebSocket(`ws://127.0.0.1:${port}${path}`, { headers: { host, ...headers } });
        socket.on("error", reject);
        socket.on("message", (data: Buffer) => {
          resolve(data.toString());
          socket.terminate();
        });
      });
    const own = { authorization: "Bearer theirs", cookie: `daytona-sandbox-auth-${red.id}=x; a=1` };
    const asked = `/seen?DAYTONA_SANDBOX_AUTH_KEY=${token}&x=1`;
    expect(await seen(asked, own)).toBe("/seen?x=1|Bearer theirs|a=1|");
    expect(await seen("/seen", { "x-daytona-preview-token": token, ...key() })).toBe("/seen|||");
    expect(await seen("/seen", key())).toBe("/seen|||");
  });

  it("and headers for the proxy never reach user code, which learns the name it was requested by", async () => {
    const { url, token } = await red.getPreviewLink(3000);
    const { headers } = await see(url, {
      "x-daytona-preview-token": token,
      "x-daytona-skip-last-activity-update": "true",
      "x-daytona-skip-preview-warning": "true",
      "x-forwarded-host": "elsewhere",
    });
    expect(headers["x-forwarded-host"]).toBe(`elsewhere, ${new URL(url).host}`);
    expect(Object.keys(headers).filter((name) => name.startsWith("x-daytona"))).toEqual([]);
  });
});

describe("pages of other origins", () => {
  const origin = "https://elsewhere.example";

  it("may read a preview with credentials, and learn so from the preflight", async () => {
    const { url, token } = await red.getPreviewLink(3000);
    const preflight = await visit(url, {
      method: "OPTIONS",
      headers: { origin, "access-control-request-method": "PUT", "access-control-request-headers": "x-a" },
    });
    expect(preflight).toMatchObject({
      status: 204,
      headers: {
        "access-control-allow-origin": origin,
        "access-control-allow-credentials": "true",
        "access-control-allow-methods": "PUT",
        "access-control-allow-headers": "x-a",
      },
    });
    const headers = { origin, "x-daytona-preview-token": token };
    expect((await visit(url, { headers })).headers["access-control-allow-origin"]).toBe(origin);
    const closed = await visit(url, { headers: { ...headers, "x-daytona-disable-cors": "true" } });
    expect(closed.headers["access-control-allow-origin"]).toBeUndefined();
    expect((await visit(url, { headers: { origin } })).status).toBe(401);
  });
});

describe("a failing preview", () => {
  it("responds 502 for a port without a listener and for malformed responses", async () => {
    const dead = await red.getSignedPreviewUrl(3999);
    expect((await visit(dead.url)).status).toBe(502);
    const { url } = await red.getSignedPreviewUrl(3000);
    expect((await visit(`${url}/broken`)).status).toBe(502);
    await expect(visit(`${url}/cut`)).rejects.toThrow();
    expect((await visit(url)).status).toBe(200);
  });

  it("never serves the API on a preview's host, a preview on the API's, or either on a foreign one", async () => {
    const { url } = await red.getSignedPreviewUrl(3000);
    expect((await see(`${url}/api/sandbox`)).colour).toBe("red");
    const rebound = await visit(fixture.server.apiUrl, { headers: { ...key(), host: "evil.example" } });
    expect(rebound.status).toBe(421);
  });

  it("reports that a stopped sandbox is stopped", async () => {
    const box = await fixture.client.create();
    const { url } = await box.getSignedPreviewUrl(3000);
    await box.stop();
    const answer = await visit(url);
    expect(answer.status).toBe(400);
    expect(answer.body).toContain("Is the Sandbox started?");
    await box.delete();
  });
});

function key(): Record<string, string> {
  return { authorization: `Bearer ${apiKey}` };
}
