/**
 * Ports inside the sandbox and how they are reached from outside: plain links with a token, signed links, and refused
 * visitors.
 */
import { beforeAll, describe, expect, it } from "vitest";
import { WebSocket } from "ws";
import { askToolbox, daytona, eventually, isBelowLocalhost, makeName, place, run, sandbox, statusOf } from "./place.ts";

const port = 8231;

/** Returns the request that reached it, and echoes WebSocket messages. Every Daytona image has Python. */
const application = `
import base64, hashlib, http.server, json
class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    def log_message(self, *args): pass
    def do_POST(self): self.do_GET()
    def do_GET(self):
        if self.headers.get("upgrade", "").lower() == "websocket": return self.greet()
        sent = self.rfile.read(int(self.headers.get("content-length") or 0)).decode()
        echo = {"path": self.path, "method": self.command, "body": sent, "headers": dict(self.headers.items())}
        body = json.dumps(echo).encode()
        self.send_response(200)
        self.send_header("content-type", "application/json")
        self.send_header("content-length", str(len(body)))
        self.send_header("set-cookie", "mine=1; Path=/")
        self.end_headers()
        self.wfile.write(body)
    def greet(self):
        key = self.headers["sec-websocket-key"] + "258EAFA5-E914-47DA-95CA-C5AB0DC85B11"
        self.send_response(101)
        self.send_header("upgrade", "websocket")
        self.send_header("connection", "Upgrade")
        self.send_header("sec-websocket-accept", base64.b64encode(hashlib.sha1(key.encode()).digest()).decode())
        self.end_headers()
        self.wfile.write(bytes([0x81, 5]) + b"hello")
        self.close_connection = True
http.server.ThreadingHTTPServer(("127.0.0.1", ${port}), Handler).serve_forever()
`;

interface EchoedRequest {
  path: string;
  method: string;
  body: string;
  headers: Record<string, string>;
}

function lower(headers: Record<string, string>): Record<string, string> {
  return Object.fromEntries(Object.entries(headers).map(([name, value]) => [name.toLowerCase(), value]));
}

async function answers(): Promise<boolean> {
  const probe = `python3 -c "import socket; socket.create_connection(('127.0.0.1', ${port}), 1)"`;
  return (await sandbox.process.executeCommand(probe)).exitCode === 0;
}

/** In the shared sandbox, once. */
async function serveApplication(): Promise<void> {
  if (await answers()) return;
  const session = makeName("serving");
  await sandbox.fs.uploadFile(Buffer.from(application), "/tmp/contract-application.py");
  await sandbox.process.createSession(session);
  const command = "exec python3 /tmp/contract-application.py";
  await sandbox.process.executeSessionCommand(session, { command, runAsync: true });
  await eventually(answers);
}

async function isInUse(asked: number): Promise<boolean> {
  const response = await askToolbox(`/port/${asked}/in-use`);
  return ((await response.json()) as { isInUse: boolean }).isInUse;
}

export function describeListeners(): void {
  describe("the ports inside", () => {
    beforeAll(serveApplication);

    it("are known to be in use or free", async () => {
      // A real daemon checks only every so often.
      await eventually(() => isInUse(port));
      expect(await isInUse(8232)).toBe(false);
    });

    it("are reached through the toolbox, which reports where nothing listens", async () => {
      const response = await askToolbox(`/proxy/${port}/deep/path?x=1`, { method: "POST", body: "sent" });
      expect(response.status).toBe(200);
      expect(await response.json()).toMatchObject({ path: "/deep/path?x=1", method: "POST", body: "sent" });
      const dead = await askToolbox("/proxy/8232/");
      expect(dead.status).toBe(502);
      await dead.body?.cancel();
    });

    it("are checked one by one from 3000 to 9999 only", async () => {
      for (const wrong of ["x", "0", "2999", "10000"]) {
        const response = await askToolbox(`/port/${wrong}/in-use`);
        expect([wrong, response.status]).toEqual([wrong, 400]);
        await response.body?.cancel();
      }
    });
  });
}

export function describePreviews(): void {
  beforeAll(serveApplication);

  async function see(url: string, headers?: Record<string, string>): Promise<EchoedRequest> {
    const { status, body } = await place.visit(url, headers);
    expect(status, body.slice(0, 500)).toBe(200);
    return JSON.parse(body) as EchoedRequest;
  }

  describe("a plain link", () => {
    it("opens with its token in a header, which the application never sees", async () => {
      const { url, token } = await sandbox.getPreviewLink(port);
      const echo = await see(`${url.replace(/\/$/, "")}/deep/path?x=1&y=%20`, { "x-daytona-preview-token": token });
      expect(echo).toMatchObject({ path: "/deep/path?x=1&y=%20", method: "GET" });
      expect(JSON.stringify(echo)).not.toContain(token);
    });

    it("opens with its token in the query, and may continue with a cookie", async () => {
      const { url, token } = await sandbox.getPreviewLink(port);
      const opened = await place.visit(`${url}?DAYTONA_SANDBOX_AUTH_KEY=${token}&x=1`);
      expect(opened.status).toBe(200);
      expect(opened.body).not.toContain(token);
      const cookies = [opened.headers["set-cookie"] ?? []].flat().join("\n");
      const [cookie] = /daytona-sandbox-auth-[^;\n]+/.exec(cookies) ?? [];
      // 0.190 sets one for a signed link only (apps/proxy/pkg/proxy/auth.go).
      if (cookie === undefined) return;
      const echo = await see(url, { cookie: `theirs=1; ${cookie}` });
      expect(lower(echo.headers).cookie).toBe("theirs=1");
    });

    it("is closed without a valid token", async () => {
      const { url } = await sandbox.getPreviewLink(port);
      const other = await sandbox.getPreviewLink(port + 1);
      // A real proxy redirects a browser without a token to a sign-in.
      expect([307, 401]).toContain((await place.visit(url)).status);
      expect([307, 401]).toContain((await place.visit(url, { "x-daytona-preview-token": "wrong" })).status);
      // One token for all ports of a sandbox.
      const { token } = other;
      expect((await place.visit(url, { "x-daytona-preview-token": token })).status).toBe(200);
    });

    it("sends the application the requested host name", async () => {
      const { url, token } = await sandbox.getPreviewLink(port);
      const headers = lower((await see(url, { "x-daytona-preview-token": token })).headers);
      // The proxy and the daemon of 0.190 each add a name, the requested one first.
      expect(headers["x-forwarded-host"]?.split(/, */)).toContain(new URL(url).host);
    });

    it("answers 502 where nothing listens", async () => {
      const { url, token } = await sandbox.getPreviewLink(8232);
      expect((await place.visit(url, { "x-daytona-preview-token": token })).status).toBe(502);
    });

    it("does not exist for an invalid port", async () => {
      for (const wrong of [0, -1, 65_536]) expect(await statusOf(sandbox.getPreviewLink(wrong))).toBe(400);
    });
  });

  describe("a signed link", () => {
    it("opens at once, for its port only", async () => {
      const signed = await sandbox.getSignedPreviewUrl(port, 60);
      expect(signed).toMatchObject({ sandboxId: sandbox.id, port });
      expect(signed.url).toContain(signed.token);
      expect((await see(signed.url)).path).toBe("/");
      expect([307, 401]).toContain((await place.visit(signed.url.replace(`//${port}-`, `//${port + 1}-`))).status);
    });

    it("ends when it is revoked, and when it expires", async () => {
      const revoked = await sandbox.getSignedPreviewUrl(port, 60);
      const short = await sandbox.getSignedPreviewUrl(port, 1);
      expect((await place.visit(revoked.url)).status).toBe(200);
      await sandbox.expireSignedPreviewUrl(port, revoked.token);
      expect((await place.visit(revoked.url)).status).not.toBe(200);
      await eventually(async () => (await place.visit(short.url)).status !== 200);
    });

    it("lasts from a second to a day", async () => {
      for (const seconds of [0, -1, 86_401]) {
        expect(await statusOf(sandbox.getSignedPreviewUrl(port, seconds))).toBe(400);
      }
      expect((await sandbox.getSignedPreviewUrl(port, 86_400)).token).toMatch(/./);
    });
  });

  describe("a WebSocket", () => {
    it("reaches the application through a link, and below the toolbox's address", async () => {
      const { url, token } = await sandbox.getPreviewLink(port);
      expect(await greet(url, { "x-daytona-preview-token": token })).toBe("hello");
      const signed = await sandbox.getSignedPreviewUrl(port, 60);
      expect(await greet(signed.url)).toBe("hello");
      const below = `${sandbox.toolboxProxyUrl}/${sandbox.id}/proxy/${port}/`;
      expect(await greet(below, { "x-daytona-preview-token": token })).toBe("hello");
    });
  });

  describe("a toolbox", () => {
    it("is closed without a key", async () => {
      const base = `${sandbox.toolboxProxyUrl}/${sandbox.id}`;
      for (const init of [{}, { headers: { authorization: "Bearer dtn_nobody" } }]) {
        const response = await fetch(`${base}/work-dir`, init);
        expect(response.status).toBe(401);
        await response.body?.cancel();
      }
    });

    it("leads to a port with the sandbox's token too, and leaves the visitor's own Authorization alone", async () => {
      const { token } = await sandbox.getPreviewLink(port);
      const below = `${sandbox.toolboxProxyUrl}/${sandbox.id}/proxy/${port}`;
      const headers = { "x-daytona-preview-token": token, authorization: "Basic dGhlaXJz" };
      const echo = await see(`${below}/deep/path?x=1`, headers);
      expect(echo).toMatchObject({ path: "/deep/path?x=1" });
      expect(lower(echo.headers).authorization).toBe("Basic dGhlaXJz");
      expect(JSON.stringify(echo)).not.toContain(token);
      expect((await place.visit(`${below}/`, { "x-daytona-preview-token": "wrong" })).status).toBe(401);
    });

    it("never passes the key to what runs inside", async () => {
      const { url } = await sandbox.getPreviewLink(port);
      const echo = await see(url, { authorization: `Bearer ${place.apiKey}` });
      expect(JSON.stringify(echo)).not.toContain(place.apiKey);
      expect(await run("env")).not.toContain(place.apiKey);
    });

    it("is where the control plane says", async () => {
      const response = await fetch(`${place.apiUrl}/sandbox/${sandbox.id}/toolbox-proxy-url`, {
        headers: { authorization: `Bearer ${place.apiKey}` },
      });
      expect(((await response.json()) as { url: string }).url).toBe(sandbox.toolboxProxyUrl);
      expect((await daytona().get(sandbox.id)).toolboxProxyUrl).toBe(sandbox.toolboxProxyUrl);
    });
  });
}

/** The first message of a WebSocket. */
function greet(address: string, headers: Record<string, string> = {}): Promise<string> {
  const url = new URL(address.replace(/^http/, "ws"));
  const { host } = url;
  if (isBelowLocalhost(address)) url.hostname = "127.0.0.1";
  return new Promise((resolve, reject) => {
    const socket = new WebSocket(url.href, { headers: { ...headers, host } });
    socket.once("message", (data) => {
      resolve(String(data));
      socket.terminate();
    });
    socket.once("error", reject);
    socket.once("close", () => reject(new Error("closed without a message")));
  });
}
