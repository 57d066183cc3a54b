import http from "node:http";
import type { AddressInfo } from "node:net";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { askHealth } from "./health.ts";

let server: http.Server;
let url: string;
/** One after another; the last one again and again. */
let answers: [status: number, body: string][];
let asked: (string | undefined)[];

const times = { patience_ms: 20_000, pause_ms: 1, answer_ms: 10_000 };

beforeEach(async () => {
  asked = [];
  server = http.createServer((request, response) => {
    asked.push(`${request.url} ${request.headers.authorization}`);
    const [status, body] = (answers.length > 1 ? answers.shift() : answers[0]) ?? [500, ""];
    response.writeHead(status).end(body);
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
});
afterEach(async () => {
  server.closeAllConnections();
  await new Promise((resolve) => server.close(resolve));
});

describe("the health of a new deployment", () => {
  it("is asked until something answers as Taskloom does", async () => {
    const checks = [{ name: "database", ok: true, ms: 3 }];
    answers = [
      [404, "<html>There is nothing here yet</html>"],
      [530, "error code: 1016"],
      [200, JSON.stringify({ status: "ok", checks })],
    ];
    expect(await askHealth(url, "admin", times)).toEqual({ lines: ["database: ok, 3 ms"] });
    expect(asked).toEqual(Array(3).fill("/healthz?deep=1 Bearer admin"));
  });

  it("is plain without a key, and of a version that knows no checks", async () => {
    answers = [[200, '{"status":"ok"}']];
    expect(await askHealth(url, null, times)).toEqual({ lines: [] });
    expect(asked).toEqual(["/healthz undefined"]);
  });

  it("names the checks that fail, another key, and a server that is none", async () => {
    const checks = [
      { name: "database", ok: true, ms: 3 },
      { name: "sandbox", ok: false, ms: 5, problem: "It refuses the key." },
    ];
    answers = [[503, JSON.stringify({ status: "failing", checks })]];
    await expect(askHealth(url, "admin", times)).rejects.toThrow(
      /not all of it works[\s\S]*sandbox: It refuses the key\.$/,
    );
    answers = [[401, "{}"]];
    await expect(askHealth(url, "admin", times)).rejects.toThrow("another ADMIN_API_KEY");
    answers = [[200, "<html>a parked domain</html>"]];
    await expect(askHealth(url, "admin", { ...times, patience_ms: 0 })).rejects.toThrow("does not answer as Taskloom");
  });
});
