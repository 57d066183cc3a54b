// A Daytona that refuses, fails or never gets ready: a small control plane that answers as each test says.
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { afterEach, describe, expect, it } from "vitest";
import { type Sandbox, SandboxError } from "../../src/agent/sandbox.ts";
import type { DaytonaSettings } from "../../src/sandboxes/daytona/client/client.ts";
import { createDaytonaSandbox } from "../../src/sandboxes/daytona/sandbox.ts";

const api_key = "dtn_secret-key-of-the-tests";

interface Answer {
  status: number;
  body?: unknown;
  headers?: Record<string, string>;
}

/** Answers a request, named `METHOD /path`; `times` counts the requests of that name, this one included. */
type Script = (request: string, times: number, address: string) => Answer | "cut" | "silence";

let server: Server | undefined;
let asked: string[] = [];

async function answerWith(script: Script): Promise<string> {
  asked = [];
  server = createServer((request: IncomingMessage, response: ServerResponse) => {
    const name = `${request.method} ${(request.url ?? "").replace(/\?.*/, "")}`;
    asked.push(name);
    request.resume();
    request.once("end", () => {
      const answer = script(name, asked.filter((one) => one === name).length, `http://${request.headers.host}`);
      if (answer === "silence") return;
      if (answer === "cut") {
        request.socket.destroy();
        return;
      }
      response.writeHead(answer.status, { "content-type": "application/json", ...answer.headers });
      response.end(answer.body === undefined ? "" : JSON.stringify(answer.body));
    });
  });
  await new Promise<void>((resolve) => server?.listen(0, "127.0.0.1", resolve));
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

afterEach(() => {
  server?.closeAllConnections();
  server?.close();
  server = undefined;
});

function describeRecord(state: string, address: string, more: object = {}): Record<string, unknown> {
  return { id: "id-1", name: "project", state, labels: {}, env: {}, toolboxProxyUrl: `${address}/toolbox`, ...more };
}

const refuse = (status: number, message: string, headers?: Record<string, string>): Answer => ({
  status,
  body: { statusCode: status, message, error: "Error" },
  headers,
});

const limits: DaytonaSettings["limits"] = {
  ready_ms: 1_500,
  restore_ms: 1_500,
  build_ms: 1_500,
  request_ms: 1_000,
  retry_ms: 1_000,
  rate_limit_ms: 500,
  port_ms: 100,
};

function open(address: string) {
  const states: string[] = [];
  const sandbox = createDaytonaSandbox({
    api_key,
    api_url: `${address}/api`,
    target: "local",
    snapshot: null,
    name: "project",
    labels: {},
    onState: (state) => states.push(state),
    limits,
  });
  return { sandbox, states };
}

/** The error of reading a file; the key is never in it. */
async function failWith(script: Script): Promise<{ error: SandboxError; states: string[] }> {
  const { sandbox, states } = open(await answerWith(script));
  const error: unknown = await sandbox.readFile("x", AbortSignal.timeout(20_000)).catch((reason: unknown) => reason);
  expect(error).toBeInstanceOf(SandboxError);
  expect((error as SandboxError).message).not.toContain(api_key);
  return { error: error as SandboxError, states };
}

const absent = refuse(404, "Sandbox with ID or name project not found");

describe("a Daytona that can't provide a sandbox", () => {
  it("is reported with the setting to check when the key is refused", async () => {
    const { error } = await failWith(() => refuse(401, "Unauthorized"));
    expect(error).toMatchObject({ code: "unavailable", message: expect.stringContaining("DAYTONA_API_KEY") });
    expect(asked).toHaveLength(1);
  });

  it("passes the reason of a refusal on, without the key", async () => {
    const { error } = await failWith((request) =>
      request.startsWith("POST")
        ? refuse(403, `Total CPU limit exceeded for ${api_key}. Maximum allowed: 10.`)
        : absent,
    );
    expect(error.code).toBe("unavailable");
    expect(error.message).toContain("Total CPU limit exceeded for [key]");
    const { error: forbidden } = await failWith(() => refuse(403, "Organization is suspended"));
    expect(forbidden).toMatchObject({ code: "unavailable", message: expect.stringContaining("suspended") });
  });

  it("is waited for as long as a short rate limit says", async () => {
    const wait = { "retry-after-sandbox-create": "0.1" };
    const { error } = await failWith((request, times, address) => {
      if (request === "POST /api/sandbox") {
        return times === 1
          ? refuse(429, "Too Many Requests", wait)
          : { status: 200, body: describeRecord("started", address) };
      }
      if (request === "GET /api/sandbox/project") {
        return asked.includes("POST /api/sandbox") &&
          asked.indexOf("POST /api/sandbox") !== asked.lastIndexOf("POST /api/sandbox")
          ? { status: 200, body: describeRecord("started", address) }
          : absent;
      }
      if (request.includes("/toolbox/"))
        return request.endsWith("dir") ? { status: 200, body: { dir: "/work" } } : refuse(404, "no such file");
      return { status: 200, body: describeRecord("started", address) };
    });
    expect(error.code).toBe("not_found");
    expect(asked.filter((request) => request === "POST /api/sandbox")).toHaveLength(2);
  });

  it("is reported with the time to come back when the rate limit is long", async () => {
    const { error } = await failWith((request) =>
      request.startsWith("POST") ? refuse(429, "Too Many Requests", { "retry-after-sandbox-create": "3600" }) : absent,
    );
    expect(error).toMatchObject({ code: "unavailable", message: expect.stringContaining("3600 seconds") });
  });

  it("is asked again for a while when it fails, and then reported", async () => {
    for (const answer of [{ status: 500 }, { status: 502 }, { status: 503 }, "cut", "silence"] as const) {
      const { error } = await failWith(() => answer);
      expect(error).toMatchObject({ code: "unavailable", message: expect.stringContaining("Try again later") });
      server?.closeAllConnections();
      server?.close();
    }
  });

  it("is distinguished from an address where nobody listens", async () => {
    const address = await answerWith(() => absent);
    await new Promise((resolve) => server?.close(resolve));
    const { sandbox } = open(address);
    await expect(sandbox.listFiles("", 1, AbortSignal.timeout(20_000))).rejects.toMatchObject({ code: "unavailable" });
  });

  it("is given up when the sandbox stays in creation, and the state is reported", async () => {
    const { error, states } = await failWith((_request, _times, address) => ({
      status: 200,
      body: describeRecord("creating", address),
    }));
    expect(error).toMatchObject({ code: "unavailable", message: expect.stringContaining('"creating"') });
    expect(states).toEqual(["creating", "error"]);
  });

  it("is given up when a stopped sandbox accepts the start and never starts", async () => {
    const { error } = await failWith((request, _times, address) => ({
      status: 200,
      body: describeRecord(request.startsWith("POST") ? "starting" : "stopped", address),
    }));
    expect(error.code).toBe("unavailable");
  });

  it("makes one attempt to recover a broken sandbox, and reports the reason after that", async () => {
    const { error, states } = await failWith((_request, _times, address) => ({
      status: 200,
      body: describeRecord("error", address, { errorReason: "the disk is full", recoverable: true }),
    }));
    expect(error).toMatchObject({ code: "unavailable", message: expect.stringContaining("the disk is full") });
    expect(asked.filter((request) => request === "POST /api/sandbox/id-1/recover")).toHaveLength(1);
    expect(states).toEqual(["starting", "error"]);
  });
});

/** A running sandbox, of which only the daemon is scripted. */
function started(toolbox: Script): Script {
  return (request, times, address) => {
    if (request.endsWith("/work-dir") || request.endsWith("/user-home-dir"))
      return { status: 200, body: { dir: "/work" } };
    return request.includes("/toolbox/")
      ? toolbox(request, times, address)
      : { status: 200, body: describeRecord("started", address) };
  };
}

describe("a daemon that fails", () => {
  it("is asked again while the connection to it is broken", async () => {
    const { error } = await failWith(
      started((_request, times) => (times < 3 ? { status: 502 } : refuse(404, "no such file"))),
    );
    expect(error.code).toBe("not_found");
  });

  it("makes the sandbox unavailable when it stays away", async () => {
    for (const answer of [{ status: 502 }, "cut", "silence"] as const) {
      const { error } = await failWith(started(() => answer));
      expect(error.code).toBe("unavailable");
      server?.closeAllConnections();
      server?.close();
    }
  });

  it("may answer anything but what was requested", async () => {
    const methods: ((sandbox: Sandbox, signal: AbortSignal) => Promise<unknown>)[] = [
      (sandbox, signal) => sandbox.runCommand({ command_id: "a", command: "x", wait_ms: 50 }, () => {}, signal),
      (sandbox, signal) => sandbox.readCommand("a", signal),
      (sandbox, signal) => sandbox.sendInput("a", "x", signal),
      (sandbox, signal) => sandbox.terminateCommand("b", signal),
      (sandbox, signal) => sandbox.listCommands(signal),
      (sandbox, signal) => sandbox.writeFile("x", new Uint8Array(1), signal),
      (sandbox, signal) => sandbox.readFile("x", signal),
      (sandbox, signal) => sandbox.deleteFile("x", true, signal),
      (sandbox, signal) => sandbox.moveFile("x", "y", signal),
      (sandbox, signal) => sandbox.listFiles("", 2, signal),
      (sandbox, signal) => sandbox.findFiles("", "*", signal),
      (sandbox, signal) =>
        sandbox.searchFiles({ path: "", pattern: "x", is_expression: false, ignore_case: false, glob: null }, signal),
      (sandbox, signal) => sandbox.exposePort(8_000, signal),
    ];
    for (const body of [null, [], [null], "text", 7, { commands: [null], output: 1, files: [1], isDir: "maybe" }]) {
      const { sandbox } = open(await answerWith(started(() => ({ status: 200, body }))));
      const signal = AbortSignal.timeout(30_000);
      const outcomes = await Promise.allSettled(methods.map((method) => method(sandbox, signal)));
      for (const outcome of outcomes) {
        if (outcome.status === "rejected") expect(outcome.reason).toBeInstanceOf(SandboxError);
      }
      expect(signal.aborted).toBe(false);
      server?.closeAllConnections();
      server?.close();
    }
  });

  it("is not sent input twice when the connection breaks within it", async () => {
    const { sandbox } = open(
      await answerWith(
        started((request) => {
          if (request.endsWith("/input")) return "cut";
          return { status: 200, body: { sessionId: "s", commands: [{ id: "c", command: "cat" }] } };
        }),
      ),
    );
    await expect(sandbox.sendInput("a", "x", AbortSignal.timeout(20_000))).rejects.toMatchObject({
      code: "failed",
      message: expect.stringContaining("may or may not"),
    });
    expect(asked.filter((request) => request.endsWith("/input"))).toHaveLength(1);
  });

  it("starts a command once when the response to the start is lost", async () => {
    let begun = 0;
    const log = {
      output: "\x01\x01\x01done\n\x1etaskloom-a:0\x1e\n\x02\x02\x02\x1etaskloom-a:0\x1e\n",
      stdout: "",
      stderr: "",
    };
    const { sandbox } = open(
      await answerWith(
        started((request) => {
          if (request.endsWith("/exec")) {
            begun++;
            return "cut";
          }
          if (request.endsWith("/logs")) return { status: 200, body: log };
          if (request === "POST /toolbox/id-1/process/session") return { status: 201 };
          if (request === "GET /toolbox/id-1/process/session") return { status: 200, body: [] };
          return { status: 200, body: { sessionId: "taskloom-a", commands: begun ? [{ id: "c", command: "x" }] : [] } };
        }),
      ),
    );
    const request = { command_id: "a", command: "echo done", wait_ms: 5_000 };
    expect(await sandbox.runCommand(request, () => {}, AbortSignal.timeout(20_000))).toEqual({
      exit_code: 0,
      output: "done\n",
      omitted_bytes: 0,
    });
    expect(begun).toBe(1);
  });

  it("starts a command for which a former life had created only the session", async () => {
    let begun = 0;
    const log = {
      output: "\x01\x01\x01\x1etaskloom-a:4\x1e\n\x02\x02\x02\x1etaskloom-a:4\x1e\n",
      stdout: "",
      stderr: "",
    };
    const { sandbox } = open(
      await answerWith(
        started((request) => {
          if (request.endsWith("/exec")) return { status: 202, body: { cmdId: `c${++begun}` } };
          if (request.endsWith("/logs")) return { status: 200, body: log };
          if (request === "POST /toolbox/id-1/process/session") return refuse(409, "session already exists");
          if (request === "GET /toolbox/id-1/process/session") return { status: 200, body: [] };
          return { status: 200, body: { sessionId: "taskloom-a", commands: [] } };
        }),
      ),
    );
    const request = { command_id: "a", command: "exit 4", wait_ms: 5_000 };
    expect((await sandbox.runCommand(request, () => {}, AbortSignal.timeout(20_000))).exit_code).toBe(4);
    expect(begun).toBe(1);
  });

  it("removes sessions that ended long ago, and none that still runs or serves", async () => {
    const sessions = Array.from({ length: 70 }, (_, index) => ({
      sessionId: `taskloom-old${index}`,
      commands: [index === 3 ? { id: "c", command: "x" } : { id: "c", command: "x", exitCode: 0 }],
    }));
    const log = {
      output: "\x01\x01\x01\x1etaskloom-a:0\x1e\n\x02\x02\x02\x1etaskloom-a:0\x1e\n",
      stdout: "",
      stderr: "",
    };
    const { sandbox } = open(
      await answerWith(
        started((request) => {
          if (request.endsWith("/exec")) return { status: 202, body: { cmdId: "c" } };
          if (request.endsWith("/logs")) return { status: 200, body: log };
          if (request.endsWith("/process/execute"))
            return { status: 200, body: { exitCode: 0, result: "taskloom-old5\n" } };
          if (request.startsWith("DELETE")) return { status: 204 };
          if (request === "POST /toolbox/id-1/process/session") return { status: 201 };
          return { status: 200, body: [...sessions, { sessionId: "someone-else", commands: [] }] };
        }),
      ),
    );
    const request = { command_id: "a", command: "true", wait_ms: 5_000 };
    await sandbox.runCommand(request, () => {}, AbortSignal.timeout(20_000));
    const removed = asked.filter((name) => name.startsWith("DELETE")).map((name) => name.split("/").at(-1));
    expect(removed.length).toBeGreaterThan(30);
    expect(removed).not.toContain("taskloom-old3");
    expect(removed).not.toContain("taskloom-old5");
    expect(removed).not.toContain("someone-else");
  });

  it("notices that an upload did not arrive completely", async () => {
    const { sandbox } = open(
      await answerWith(
        started((request) =>
          request.endsWith("bulk-upload")
            ? { status: 200, body: {} }
            : { status: 200, body: { exitCode: 0, result: "\ntaskloom:short:2\n" } },
        ),
      ),
    );
    await expect(sandbox.writeFile("x", new Uint8Array(3), AbortSignal.timeout(20_000))).rejects.toMatchObject({
      code: "failed",
      message: expect.stringContaining("2 of 3 bytes"),
    });
  });

  it("stops at once when the signal aborts, whatever it waits for", async () => {
    const reason = new Error("cancelled");
    for (const script of [() => "silence" as const, started(() => "silence")]) {
      const { sandbox } = open(await answerWith(script));
      const controller = new AbortController();
      const reading = sandbox.readFile("x", controller.signal);
      controller.abort(reason);
      await expect(reading).rejects.toBe(reason);
      server?.closeAllConnections();
      server?.close();
    }
  });
});
