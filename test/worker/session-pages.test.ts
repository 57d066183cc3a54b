// Where the cookie of a session counts: in requests of this server's own pages, and nowhere if somebody planted another.
import { createExecutionContext, env } from "cloudflare:test";
import { describe, expect, it } from "vitest";
import { createApp } from "../../src/app.ts";
import type { Env } from "../../src/config.ts";
import { createClient } from "./http-client.ts";
import { setSessionScene } from "./session-client.ts";

const scene = setSessionScene("pages");

/** Of a page elsewhere, or of no page. */
const foreign: Record<string, string>[] = [
  { "sec-fetch-site": "cross-site" },
  { "sec-fetch-site": "same-site" },
  { "sec-fetch-site": "none" },
  { "sec-fetch-site": "cross-site", origin: "http://localhost" },
  { origin: "https://evil.example" },
  { origin: "http://localhost:3000" },
  { origin: "null" },
];

describe("a request that another site's page makes with the cookie", () => {
  it("is refused, whatever its method and its body's type, and changes nothing", async () => {
    const { token } = await scene.signIn();
    const cookie = { cookie: `taskloom-session=${token}` };
    const body = JSON.stringify({ name: "planted" });
    const types = [
      "text/plain",
      "application/x-www-form-urlencoded",
      "multipart/form-data; boundary=x",
      "application/json",
    ];
    for (const headers of foreign) {
      for (const type of types) {
        const sent = { ...cookie, ...headers, "content-type": type };
        expect((await scene.client.as(null).send("POST", "/v1/projects", body, sent)).status).toBe(401);
      }
      for (const [method, path] of [
        ["GET", "/v1/threads"],
        ["HEAD", "/v1/threads"],
        ["DELETE", "/v1/sessions"],
        ["GET", "/v1/threads/none/events"],
      ] as const) {
        const answer = await scene.client.as(null).send(method, path, undefined, { ...cookie, ...headers });
        expect([method, path, headers, answer.status]).toEqual([method, path, headers, 401]);
        expect(answer.headers.get("set-cookie")).toBeNull();
      }
      const out = await scene.client.as(null).send("POST", "/auth/sign-out", undefined, { ...cookie, ...headers });
      expect([out.status, out.headers.get("set-cookie")]).toEqual([403, null]);
      const socket = { ...cookie, ...headers, upgrade: "websocket", connection: "Upgrade" };
      expect(
        (await scene.client.as(null).send("GET", "/v1/terminal?ticket=none", undefined, socket)).status,
      ).toBeGreaterThan(400);
    }
    expect((await scene.client.as(null).send("POST", "/v1/projects", body, cookie)).status).toBe(401);
    expect((await scene.owner.send("GET", "/v1/projects")).body.data).toEqual([]);
    expect((await scene.owner.send("GET", "/v1/sessions")).body.data).toHaveLength(1);
  });

  it("gets no rights from `CORS_ORIGINS=*`", async () => {
    const { headers } = await scene.signIn();
    const open = createClient({ CORS_ORIGINS: "*" });
    const origin = "https://evil.example";
    const preflight = {
      origin,
      "access-control-request-method": "DELETE",
      "access-control-request-headers": "content-type",
      ...headers,
    };
    for (const [method, own] of [
      ["OPTIONS", preflight],
      ["GET", { ...headers, origin, "sec-fetch-site": "cross-site" }],
    ] as const) {
      const answer = await open.as(null).send(method, "/v1/sessions", undefined, own);
      expect(answer.headers.get("access-control-allow-origin")).toBe(origin);
      expect([method, answer.headers.get("access-control-allow-credentials")]).toEqual([method, null]);
      expect(answer.body.data).toBeUndefined();
    }
  });

  it("by a browser that says nothing of the page reads, and starts nothing", async () => {
    const { token, send } = await scene.signIn();
    const headers = { cookie: `taskloom-session=${token}` };
    await send("POST", "/v1/projects", { project_id: `old-${scene.count}`, name: "Shop" });
    const ask = (method: string, path: string) => scene.client.as(null).send(method, path, undefined, headers);
    for (const method of ["GET", "HEAD"]) {
      expect((await ask(method, "/v1/threads")).status).toBe(200);
      for (const path of [`/v1/projects/old-${scene.count}/sandbox/files`, "/v1/sessions", "/v1/webhooks"]) {
        expect([path, (await ask(method, path)).status]).toEqual([path, 401]);
      }
    }
    const own = { ...headers, origin: "http://localhost" };
    expect((await scene.client.as(null).send("POST", "/v1/projects", { name: "Own" }, own)).status).toBe(201);
  });
});

describe("a cookie that somebody else may have set", () => {
  const ask = (url: string, cookie: string) =>
    createApp().request(
      url,
      { headers: { cookie, "sec-fetch-site": "same-origin" } },
      env as Env,
      createExecutionContext(),
    );

  it("beside the own one leaves neither", async () => {
    const [own, planted] = [await scene.signIn(), await scene.signIn()];
    const name = "taskloom-session";
    const answer = await ask("http://localhost/v1/users/me", `${name}=${planted.token}; ${name}=${own.token}`);
    expect([answer.status, await answer.text()]).toEqual([
      401,
      expect.stringContaining("several cookies of a session"),
    ]);
    const large = await ask("http://localhost/v1/users/me", `${name}=${own.token}; a=${"x".repeat(20_000)}`);
    expect([large.status, await large.text()]).toEqual([401, expect.stringContaining("too large")]);
  });

  it("counts over https only under the protected name, and nowhere over http but on the own machine", async () => {
    const { token } = await scene.signIn();
    const statusOf = async (url: string, name: string) => (await ask(`${url}/v1/users/me`, `${name}=${token}`)).status;
    expect(await statusOf("https://taskloom.example", "__Host-taskloom-session")).toBe(200);
    expect(await statusOf("https://taskloom.example", "taskloom-session")).toBe(401);
    expect(await statusOf("http://127.0.0.1:8787", "taskloom-session")).toBe(200);
    for (const name of ["taskloom-session", "__Host-taskloom-session"]) {
      expect(await statusOf("http://192.168.1.5:8787", name)).toBe(401);
    }
  });
});

describe("a request that names the session of its page", () => {
  it("is refused once somebody else has signed in in the browser, before anything is done or noted", async () => {
    const [ada, bob] = [await scene.signIn(), await scene.signIn()];
    const named = { "taskloom-session": ada.session_id };
    expect((await ada.send("POST", "/v1/projects", { name: "own" }, named)).status).toBe(201);
    for (const name of [ada.session_id, "", `${bob.session_id} `.repeat(2), bob.token]) {
      const answer = await bob.send("POST", "/v1/projects", { name: "others" }, { "taskloom-session": name });
      expect([name, answer.status]).toEqual([name, 401]);
    }
    expect((await scene.owner.send("GET", "/v1/projects")).body.data).toHaveLength(1);
    expect((await bob.send("GET", "/v1/users/me", undefined, { "taskloom-session": bob.session_id })).status).toBe(200);
    // A key's request is the key's.
    expect((await scene.owner.send("GET", "/v1/users/me", undefined, named)).status).toBe(200);
  });
});
