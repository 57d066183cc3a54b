// The page of the description, what every answer has, and the answers to browsers of other origins.
import { describe, expect, it } from "vitest";
import { createClient } from "./http-client.ts";

describe("/docs", () => {
  const open = () => createClient().as(null).send("GET", "/docs");

  it("allows nothing inline and nothing from elsewhere by its policy", async () => {
    const { headers, text } = await open();
    const policy = headers.get("content-security-policy") ?? "";
    expect(policy).toContain("default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'");
    expect(policy).toContain("frame-ancestors 'none'");
    expect(policy).not.toMatch(/unsafe|nonce|https?:|blob:|\*/);
    expect(text).not.toMatch(/https?:|<script>|<style|style="|onload/);
    expect(headers.get("content-type")).toBe("text/html; charset=utf-8");
    expect(headers.get("cache-control")).toBe("no-cache");
    expect(headers.get("referrer-policy")).toBe("no-referrer");
  });

  it("is a sentence with a link to the description if the viewer can't be loaded", async () => {
    const [, body = ""] = /<body>([\s\S]*)<\/body>/.exec((await open()).text) ?? [];
    expect(body.replaceAll(/<[^>]+>/g, "").trim()).toMatch(/^The API .* \/openapi\.json.*\.$/);
    expect(body).toContain('<a href="/openapi.json">');
  });
});

describe("every answer", () => {
  it("has a request id of its own", async () => {
    const client = createClient();
    const ids = new Set<string | null>();
    for (const path of ["/healthz", "/docs", "/nothing", "/v1/threads", "/v1/threads/x"]) {
      ids.add((await client.send("GET", path, undefined, { "x-request-id": "mine" })).headers.get("x-request-id"));
    }
    expect(ids.size).toBe(5);
    expect(ids).not.toContain("mine");
  });

  it("of /healthz lists the stand-ins that serve", async () => {
    const client = createClient({ STAND_INS: "model, sandbox" });
    expect((await client.send("GET", "/healthz")).body).toEqual({
      status: "ok",
      version: expect.any(String),
      stand_ins: ["model", "sandbox"],
      sign_in: null,
    });
    expect((await createClient({ STAND_INS: "" }).send("GET", "/healthz")).body.stand_ins).toEqual([]);
  });

  it("to HEAD is the one to GET without its body", async () => {
    const answer = await createClient().send("HEAD", "/healthz");
    expect([answer.status, answer.text]).toEqual([200, ""]);
  });
});

describe("a browser of another origin", () => {
  const preflight = { "access-control-request-method": "POST", "access-control-request-headers": "authorization" };

  it("is allowed if the settings name the origin, on success, problem and preflight", async () => {
    const client = createClient({ CORS_ORIGINS: "https://a.example, https://b.example" });
    const origin = "https://b.example";
    const asked = await client.as(null).send("OPTIONS", "/v1/threads", undefined, { origin, ...preflight });
    expect(asked.status).toBe(204);
    expect(asked.headers.get("access-control-allow-methods")).toContain("PATCH");
    expect(asked.headers.get("access-control-allow-headers")).toMatch(/Authorization.*Last-Event-ID/);
    for (const path of ["/v1/threads", "/v1/threads/none"]) {
      const answer = await client.send("GET", path, undefined, { origin });
      expect(answer.headers.get("access-control-allow-origin")).toBe(origin);
      expect(answer.headers.get("access-control-expose-headers")).toBe(
        "Location,Retry-After,Taskloom-Bookmark,X-Request-Id",
      );
      expect(answer.headers.get("vary")).toContain("Origin");
    }
  });

  it("is refused otherwise", async () => {
    const client = createClient({ CORS_ORIGINS: "" });
    for (const [method, headers] of [
      ["GET", {}],
      ["OPTIONS", preflight],
    ] as const) {
      const answer = await client.send(method, "/v1/threads", undefined, {
        origin: "https://evil.example",
        ...headers,
      });
      expect(answer.headers.get("access-control-allow-origin")).toBeNull();
    }
  });
});
