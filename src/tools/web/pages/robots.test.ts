import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { sendAnywhere } from "../../../lib/network/send.ts";
import { type Download, download } from "./download.ts";
import { createHostTurns } from "./hosts.ts";
import { askRobots, createRobots } from "./robots.ts";

let server: Server;
let origin = "";
let file: { status: number; text: string; location?: string } = { status: 200, text: "" };
const asked: string[] = [];

beforeAll(async () => {
  server = createServer((request, response) => {
    const path = request.url ?? "";
    asked.push(path);
    const isRobots = path === "/robots.txt";
    const headers = { "content-type": "text/plain", ...(isRobots && file.location ? { location: file.location } : {}) };
    response.writeHead(isRobots ? file.status : 200, headers);
    response.end(isRobots ? file.text : "Words");
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  origin = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
});
afterAll(() => new Promise((resolve) => server.close(resolve)));
beforeEach(() => void asked.splice(0));

function settings(now?: () => number) {
  return {
    domains: { allow: [], deny: [] },
    private_origins: [origin],
    send: sendAnywhere,
    user_agent: "Taskloom",
    robots: createRobots(now),
    hosts: createHostTurns({ poll_ms: 5 }),
    body_bytes: 2_000_000,
    time_ms: 5000,
  };
}

const read = (path: string, used = settings()): Promise<Download> =>
  download(new URL(path, origin), used, new AbortController().signal);

describe("robots.txt", () => {
  it.each([
    ["User-agent: *\nDisallow: /private", "/private/a", false],
    ["User-agent: *\nDisallow: /private", "/public", true],
    ["User-agent: Taskloom\nDisallow: /\n\nUser-agent: *\nAllow: /", "/a", false],
    ["User-agent: *\nDisallow: /\n\nUser-agent: Taskloom\nAllow: /", "/a", true],
    ["User-agent: *\nDisallow: /*.pdf$", "/a.pdf", false],
    ["User-agent: Other\nUser-agent: Taskloom/1.0 # ours\nUser-agent: Third\nDisallow: /", "/a", false],
    ["User-agent: Other\nDisallow: /\nUser-agent: *\nAllow: /", "/a", true],
    [
      "User-agent: Taskloom\nDisallow: /a\nUser-agent: Other\nAllow: /\nUser-agent: Taskloom\nDisallow: /b",
      "/b",
      false,
    ],
    ["<html>not found</html>", "/a", true],
    [`User-agent: *\nDisallow: /${"*a".repeat(2000)}`, `/${"ab".repeat(900)}c`, true],
  ])("%s lets %s be read: %s", async (text, path, allowed) => {
    file = { status: 200, text };
    const result = await read(path);
    expect(result.ok).toBe(allowed);
    if (!result.ok) expect(result.message).toContain("robots.txt asks programs not to read this page");
    expect(asked.length).toBe(allowed ? 2 : 1);
  });

  it.each(["User-agent: Taskloom\n", "user-agent:*\n:\n"])("with thousands of %j is read at once", async (agent) => {
    file = { status: 200, text: agent.repeat(8000) + "Disallow: /x\n".repeat(8000) };
    const started = performance.now();
    expect((await read("/a")).ok).toBe(true);
    // It takes 0.1 s; each rule for each name takes minutes and gigabytes.
    expect(performance.now() - started).toBeLessThan(5000);
  });

  it("that is not there allows all, and one that can't be had allows nothing", async () => {
    file = { status: 404, text: "" };
    expect((await read("/a")).ok).toBe(true);
    file = { status: 204, text: "" };
    expect((await read("/a")).ok).toBe(true);
    file = { status: 503, text: "" };
    expect(await read("/a")).toMatchObject({ ok: false, message: expect.stringContaining("could not be read") });
    file = { status: 302, text: "", location: "http://10.0.0.1/robots.txt" };
    expect((await read("/a")).ok).toBe(true);
    file = { status: 200, text: "x".repeat(600_000) };
    expect((await read("/a")).ok).toBe(false);
  });

  it("is asked for once in an hour", async () => {
    file = { status: 200, text: "" };
    let now = 0;
    const used = settings(() => now);
    await read("/a", used);
    await read("/b", used);
    now = 3_700_000;
    await read("/c", used);
    expect(asked.filter((path) => path === "/robots.txt").length).toBe(2);
  });
});

it("can't be known where its rules would take long to try", async () => {
  const ask = (rule: string, path: string) =>
    askRobots(createRobots(), new URL(path, "https://a.example"), async () => `User-agent: *\nDisallow: ${rule}\n`);
  const steps = "*a".repeat(100_000);
  expect(await ask(`/${steps}b`, `/${"a".repeat(2_000)}`)).toBe("unknown");
  expect(await ask("/*a*b", `/${"a".repeat(2_000)}b`)).toBe("no");
});
