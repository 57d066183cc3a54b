/**
 * Fault injection of the Daytona-compatible server, as the Daytona SDK sees it.
 */
import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";
import type { Fault } from "../../dev/daytona/faults.ts";
import { apiKey, connectClient, type Fixture, sendRaw, startFixture, visit } from "./daytona-fixture.ts";

const faults: Fault[] = [];
let fixture: Fixture;

beforeAll(async () => {
  fixture = await startFixture({ faults, apiKey });
  await fixture.client.create({ name: "faulty" });
});
afterEach(() => {
  faults.length = 0;
});
afterAll(() => fixture.dispose());

const find = () => fixture.client.get("faulty");

describe("a fault", () => {
  it.each([
    ["bad_gateway", { statusCode: 502, name: "DaytonaBadGatewayError" }],
    ["internal_error", { statusCode: 500, name: "DaytonaInternalServerError" }],
    ["not_found", { statusCode: 404, message: "Sandbox with ID or name faulty not found" }],
    ["reset", { name: "DaytonaConnectionError" }],
  ] as const)("%s is what the SDK makes of the real one", async (answer, error) => {
    faults.push({ request: "GET /api/sandbox/*", answer });
    await expect(find()).rejects.toMatchObject(error);
  });

  it("of the kind rate_limited names its limit in the headers", async () => {
    faults.push({ request: "POST /api/sandbox", answer: "rate_limited", retryAfterSeconds: 7 });
    const error = await fixture.client.create({ name: "limited" }).catch((reason: unknown) => reason);
    expect(error).toMatchObject({ statusCode: 429, name: "DaytonaRateLimitError" });
    expect((error as { headers: Record<string, string> }).headers["retry-after-sandbox-create"]).toBe("7");
  });

  it("for the toolbox leaves the API alone", async () => {
    faults.push(
      { request: "* /toolbox/*/work-dir", answer: "no_container" },
      { request: "* /toolbox/*/user-home-dir", answer: "not_started" },
      { request: "* /toolbox/*/process/execute", answer: "disk_full" },
    );
    const sandbox = await find();
    await expect(sandbox.getWorkDir()).rejects.toMatchObject({ statusCode: 404, message: /^No such container: / });
    await expect(sandbox.getUserHomeDir()).rejects.toMatchObject({
      statusCode: 400,
      message: /Is the Sandbox started/,
    });
    await expect(sandbox.process.executeCommand("true")).rejects.toMatchObject({ message: /no space left/ });
  });

  it("applies as often as it says, and counts its hits", async () => {
    const counter: Fault = { request: "GET *", answer: "none" };
    const fault: Fault = { request: "GET /api/sandbox/faulty", answer: "bad_gateway", times: 2 };
    faults.push(counter, fault);
    for (const _ of [1, 2]) await expect(find()).rejects.toMatchObject({ statusCode: 502 });
    expect((await find()).state).toBe("started");
    expect([counter.hits, fault.hits]).toEqual([3, 2]);
  });

  it("may report another state", async () => {
    faults.push({ request: "GET /api/sandbox/*", answer: "state", state: "restoring", times: 1 });
    expect((await find()).state).toBe("restoring");
    expect((await find()).state).toBe("started");
  });

  it("may process the request and lose the response", async () => {
    const { process } = await find();
    faults.push({ request: "* /toolbox/*", answer: "lost_answer", times: 1 });
    await expect(process.executeCommand("echo line >> done.txt")).rejects.toMatchObject({
      name: "DaytonaConnectionError",
    });
    expect((await process.executeCommand("cat done.txt")).result).toBe("line\n");
  });

  it("may never respond, and does not keep the server from closing", async () => {
    const silent: Fault[] = [{ request: "*", answer: "silence" }];
    const other = await startFixture({ faults: silent, apiKey });
    const waiting = connectClient(other.server).get("any");
    const failed = expect(waiting).rejects.toThrow();
    await expect.poll(() => silent[0]?.hits).toBe(1);
    await other.dispose();
    await failed;
  });
});

describe("/faults", () => {
  const ask = async (method: string, body?: unknown, key = apiKey) => {
    const { port } = fixture.server;
    const headers = { authorization: `Bearer ${key}` };
    const answer = await visit(`http://127.0.0.1:${port}/faults`, { method, headers, body: JSON.stringify(body) });
    return { status: answer.status, body: JSON.parse(answer.body) as unknown };
  };

  it("adds, lists and removes faults", async () => {
    const fault = { request: "GET /api/sandbox/*", answer: "bad_gateway", times: 1 };
    expect(await ask("POST", fault)).toEqual({ status: 200, body: [fault] });
    await expect(find()).rejects.toMatchObject({ statusCode: 502 });
    expect(await ask("GET")).toEqual({ status: 200, body: [{ ...fault, hits: 1 }] });
    expect(await ask("DELETE")).toEqual({ status: 200, body: [] });
  });

  it("requires the key, a valid pattern and a known answer", async () => {
    expect((await ask("GET", undefined, "dtn_another")).status).toBe(401);
    for (const body of [
      {},
      { request: "everything", answer: "reset" },
      { request: `GET /${"*".repeat(20)}`, answer: "reset" },
      { request: "GET /x", answer: "explode" },
      { request: "GET /x", answer: "state" },
      { request: "GET /x", answer: "reset", times: 0 },
    ])
      expect([body, (await ask("POST", body)).status]).toEqual([body, 400]);
    expect(faults).toEqual([]);
  });

  it("rejects a page of another host", async () => {
    const request = `POST /faults HTTP/1.1\r\nHost: evil.example\r\nAuthorization: Bearer ${apiKey}\r\nConnection: close\r\n\r\n`;
    expect(await sendRaw(fixture.server.port, request, true)).toContain("421");
  });
});
