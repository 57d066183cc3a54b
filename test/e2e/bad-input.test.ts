// The complete server against careless and malicious clients: each bad request gets a clear problem, nothing of it is
// stored, and nobody sees a key.
import { connect } from "node:net";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { startTaskloom, type Taskloom } from "./harness.ts";

const RUNS = "/v1/threads/thread-bad/runs";
const MEBIBYTE = 1024 * 1024;
const json = { "content-type": "application/json" };

let taskloom: Taskloom;
/** All answers in this file, to search for keys. */
const answers: string[] = [];

beforeAll(async () => {
  taskloom = await startTaskloom();
});
afterAll(() => taskloom.close());

interface Answer {
  status: number;
  body: Record<string, unknown> & { code?: string; detail?: string };
}

interface Sent {
  body?: string | Uint8Array<ArrayBuffer> | ReadableStream;
  headers?: Record<string, string>;
  /** Null for none. */
  key?: string | null;
}

async function send(method: string, path: string, { body, headers = {}, key = taskloom.key }: Sent = {}) {
  const response = await fetch(taskloom.url + path, {
    method,
    headers: { ...json, ...(key === null ? {} : { authorization: `Bearer ${key}` }), ...headers },
    ...(body === undefined ? {} : { body, duplex: "half" as const }),
  } as RequestInit);
  const text = await response.text();
  answers.push(JSON.stringify([...response.headers]), text);
  const isJson = response.headers.get("content-type")?.includes("json") ?? false;
  const answer: Answer = { status: response.status, body: isJson ? JSON.parse(text) : {} };
  if (answer.status >= 400) {
    expect(answer.body).toMatchObject({ status: answer.status, request_id: response.headers.get("x-request-id") });
    expect(Object.keys(answer.body).sort()).toEqual(["code", "detail", "request_id", "status", "title", "type"]);
  }
  return answer;
}

/** Sends bytes that no client library would, and returns the answer. */
function sendRaw(text: string): Promise<string> {
  const { hostname, port } = new URL(taskloom.url);
  return new Promise((resolve, reject) => {
    const socket = connect(Number(port), hostname, () => socket.write(text));
    let received = "";
    socket.setEncoding("utf8");
    socket.on("data", (chunk: string) => {
      received += chunk;
    });
    socket.on("error", reject);
    socket.on("close", () => {
      answers.push(received);
      resolve(received);
    });
  });
}

function bodyOf(bytes: number): string {
  const frame = JSON.stringify({ message: "" });
  return JSON.stringify({ message: "x".repeat(bytes - frame.length) });
}

/** A body without a length. */
function inChunks(text: string): ReadableStream {
  return new Blob([text]).stream();
}

const deep = (levels: number) => `${"[".repeat(levels)}${"]".repeat(levels)}`;

describe("a wrong body", () => {
  const cases: [what: string, body: Sent["body"], code: string, detail: RegExp][] = [
    ["cut JSON", '{"message": "x"', "bad_json", /./],
    ["two values", '{"message":"x"} {}', "bad_json", /./],
    ["JavaScript", "{message: 'x'}", "bad_json", /./],
    ["no UTF-8", new Uint8Array([0x7b, 0x22, 0xc3, 0x28, 0x22, 0x7d]), "bad_json", /UTF-8/],
    ["a surrogate in UTF-8", new Uint8Array([0x22, 0xed, 0xa0, 0xbd, 0x22]), "bad_json", /UTF-8/],
    ["UTF-16", new Uint8Array([0xff, 0xfe, 0x7b, 0, 0x7d, 0]), "bad_json", /UTF-8/],
    ["a form", "message=x", "bad_json", /./],
    ["null", "null", "invalid_field", /object/],
    ["an array", "[]", "invalid_field", /object/],
    ["nothing", "", "invalid_field", /^message: /],
    ["a number for a message", '{"message":1}', "invalid_field", /^message: /],
    ["an object for a message", '{"message":{"text":"x"}}', "invalid_field", /^message: /],
    ["an empty message", '{"message":""}', "empty_message", /./],
    ["white space", '{"message":" \\n\\t\\u3000"}', "empty_message", /./],
    ["no parts", '{"message":[]}', "empty_message", /./],
    ["too many parts", `{"message":[${Array(101).fill('{"type":"text","text":"x"}')}]}`, "invalid_field", /^message/],
    ["an unknown field", '{"message":"x","mesage":"y"}', "unknown_field", /"mesage"/],
    ["__proto__", '{"message":"x","__proto__":{"is_admin":true}}', "unknown_field", /"__proto__"/],
    ["a constructor", '{"message":"x","constructor":{"prototype":{}}}', "unknown_field", /"constructor"/],
    ["a lone surrogate", '{"message":"\\ud83d"}', "invalid_field", /^message: .*surrogate/],
    ["surrogates turned round", '{"message":"\\ude00\\ud83d"}', "invalid_field", /^message: .*surrogate/],
    ["a lone surrogate in metadata", '{"message":"x","metadata":{"a":["\\udfff"]}}', "invalid_field", /^metadata: /],
    ["an id with a slash", '{"message":"x","invocation_id":"a/b"}', "invalid_field", /^invocation_id: /],
    ["an id with a line break", '{"message":"x","message_id":"a\\nb"}', "invalid_field", /^message_id: /],
    ["a long id", `{"message":"x","agent_id":"${"a".repeat(65)}"}`, "invalid_field", /^agent_id: /],
    ["deep metadata", `{"message":"x","metadata":{"a":${deep(100_000)}}}`, "invalid_field", /^metadata: .*deep/],
    ["a deep message", `{"message":${deep(100_000)}}`, "invalid_field", /^message/],
    ["a deep body", deep(200_000), "invalid_field", /object/],
    ["large metadata", `{"message":"x","metadata":{"a":"${"x".repeat(70_000)}"}}`, "invalid_field", /^metadata: /],
    ["endless steps", '{"message":"x","max_steps":1e999}', "invalid_field", /^max_steps: /],
    ["negative steps", '{"message":"x","max_steps":-1}', "invalid_field", /^max_steps: /],
    ["a text for a truth", '{"message":"x","background":"yes"}', "invalid_field", /^background: /],
  ];
  for (const [what, body, code, detail] of cases) {
    it(`(${what}) is ${code}`, async () => {
      const answer = await send("POST", RUNS, { body });
      expect(answer).toMatchObject({ status: 400, body: { code } });
      expect(answer.body.detail).toMatch(detail);
      expect(String(answer.body.detail).length).toBeLessThan(1000);
    });
  }

  it("through AG-UI is reported as JSON, whatever is wrong", async () => {
    const good = { threadId: "thread-bad", runId: "run-bad", messages: [{ id: "m", role: "user", content: "x" }] };
    const bodies = [
      "{",
      "[]",
      JSON.stringify({ ...good, threadId: "x".repeat(257) }),
      JSON.stringify({ ...good, runId: "" }),
      JSON.stringify({ ...good, messages: [{ id: "m", role: "user", content: 5 }] }),
      JSON.stringify({ ...good, messages: [{ id: "m", role: "assistant", content: "x" }] }),
      `{"threadId":"thread-bad","runId":"r","messages":[{"id":"m","role":"user","content":"\\ud800"}]}`,
      `{"threadId":"thread-bad","runId":"r","messages":[{"id":"m","role":"user","content":"x"}],"tools":[{"name":"t","parameters":{"a":${deep(50_000)}}}]}`,
    ];
    for (const body of bodies)
      expect([body.slice(0, 90), (await send("POST", "/ag-ui", { body })).status]).toEqual([body.slice(0, 90), 400]);
  });
});

describe("a body that is too large", () => {
  it("by one byte is refused on every route, with and without a length", async () => {
    for (const path of [RUNS, "/ag-ui", "/v1/threads", "/v1/projects"]) {
      for (const body of [bodyOf(MEBIBYTE + 1), inChunks(bodyOf(MEBIBYTE + 1)), inChunks(bodyOf(3 * MEBIBYTE))]) {
        expect(await send("POST", path, { body })).toMatchObject({ status: 413, body: { code: "body_too_large" } });
      }
    }
  });
});

describe("a key", () => {
  it("that is missing, wrong or in a wrong place gives access to nothing", async () => {
    const { key } = taskloom;
    const ways: [path: string, sent: Sent][] = [
      ["/v1/threads", { key: null }],
      ["/v1/threads", { key: "wrong" }],
      ["/v1/threads", { key: key.slice(0, -1) }],
      ["/v1/threads", { key: `${key}x` }],
      ["/v1/threads", { key: key.toUpperCase() }],
      ["/v1/threads", { key: "x".repeat(10_000) }],
      ["/v1/threads", { key: `tl_${"0".repeat(26)}_${"0".repeat(40)}` }],
      ["/v1/threads", { key: null, headers: { authorization: key } }],
      ["/v1/threads", { key: null, headers: { authorization: `Basic ${btoa(`user:${key}`)}` } }],
      ["/v1/threads", { key: null, headers: { "x-api-key": key, cookie: `key=${key}` } }],
      ["/v1/threads", { key: null, headers: { authorization: `Bearer wrong, Bearer ${key}` } }],
      [`/v1/threads?key=${key}`, { key: null }],
      [`/v1/threads?api_key=${key}&access_token=${key}`, { key: null }],
      ["/v1/unknown", { key: null }],
      ["/v1", { key: null }],
      ["/v1/threads/thread-bad/events", { key: null }],
    ];
    for (const [path, sent] of ways) {
      const answer = await send("GET", path, sent);
      expect([path, sent, answer.status, answer.body.code]).toEqual([path, sent, 401, "unauthorized"]);
    }
    expect((await send("POST", "/ag-ui", { key: null, body: "{" })).status).toBe(401);
    expect((await send("POST", "/v1/users", { key: "wrong", body: "{}" })).status).toBe(401);
  });
});

describe("a path", () => {
  it("that no route has is not found, with any method", async () => {
    const asks: [method: string, path: string][] = [
      ["PUT", "/v1/threads"],
      ["DELETE", "/v1/threads"],
      ["PATCH", RUNS],
      ["GET", "/ag-ui"],
      ["DELETE", "/ag-ui"],
      ["PUT", "/v1/users"],
      ["GET", "/v1/threads/"],
      ["GET", "/V1/threads"],
      ["GET", "/v1//threads"],
      ["GET", "/v1/threads/thread-bad/unknown"],
      ["GET", "/v1/threads/thread-bad/runs/"],
      ["POST", "/v1/threads/thread-bad/runs/inv/start"],
      ["GET", "/hooks/x"],
    ];
    for (const [method, path] of asks) {
      const { status } = await send(method, path, method === "GET" ? {} : { body: "{}" });
      // The web page answers paths outside the API.
      if (!path.startsWith("/V1")) expect([method, path, status]).toEqual([method, path, 404]);
    }
  });

  it("with traversal or encoding tricks reaches nothing", async () => {
    const { host } = new URL(taskloom.url);
    await send("POST", "/v1/threads", { body: '{"thread_id":"thread-secret","title":"title-secret"}' });
    const paths = [
      "/healthz/../v1/threads",
      "/docs/..%2fv1/threads",
      "/%76%31/threads",
      "//v1/threads",
      "/v1/./threads",
      "/v1/threads/%2e%2e/threads",
      "/v1\\threads",
      "/v1/threads%00",
      "/v1/threads/%",
      "/v1/threads/%ff",
      "/v1;/threads",
      `http://${host}/v1/threads`,
      "http://other.example/v1/threads",
      `/v1/threads/${"a".repeat(4000)}`,
    ];
    for (const path of paths) {
      const raw = await sendRaw(`GET ${path} HTTP/1.1\r\nhost: ${host}\r\nconnection: close\r\n\r\n`);
      expect([path, raw.includes("title-secret"), /^HTTP\/1.1 5/.test(raw)]).toEqual([path, false, false]);
    }
    for (const id of ["a%20b", "a%2Fb", "..%2F..", "%00", "a".repeat(65), "%F0%9F%98%80", "a%0D%0Ab"]) {
      for (const rest of ["", "/messages", "/runs", "/events"]) {
        const { status, body } = await send("GET", `/v1/threads/${id}${rest}`);
        expect([id, rest, status, body.code]).toEqual([id, rest, 400, "invalid_field"]);
      }
    }
    await send("DELETE", "/v1/threads/thread-secret");
  });

  it("with a body in chunks that are none is refused, and is no failure of the server", async () => {
    const { host } = new URL(taskloom.url);
    const head = [`POST ${RUNS} HTTP/1.1`, `host: ${host}`, `authorization: Bearer ${taskloom.key}`];
    const raw = await sendRaw(`${head.join("\r\n")}\r\ntransfer-encoding: chunked\r\n\r\nzz\r\n{"message":"x"}\r\n`);
    expect(raw).toMatch(/^HTTP\/1.1 400 [\s\S]*"code":"bad_json"/);
  });

  it("with a wrong query is refused", async () => {
    for (const [query, code] of [
      ["limit=0", "invalid_field"],
      ["limit=201", "invalid_field"],
      ["limit=x", "invalid_field"],
      ["limit=1e1000", "invalid_field"],
      ["cursor=%00", "bad_cursor"],
      ["cursor=WzFd", "bad_cursor"],
      [`cursor=${"a".repeat(1001)}`, "invalid_field"],
      ["__proto__=1", "unknown_field"],
      ["limt=5", "unknown_field"],
    ]) {
      const { status, body } = await send("GET", `/v1/threads?${query}`);
      expect([query, status, body.code]).toEqual([query, 400, code]);
    }
    for (const header of ["", "a b", "a".repeat(65), "a,b"]) {
      const { status } = await send("POST", RUNS, { body: '{"message":"x"}', headers: { "idempotency-key": header } });
      expect([header, status]).toEqual([header, 400]);
    }
  });
});

describe("after all these requests", () => {
  it("nothing is stored, in D1 or in an object, and the server works", async () => {
    const { data } = await taskloom.json<{ data: unknown[] }>("GET", "/v1/threads");
    expect(data).toEqual([]);
    const DB = await taskloom.runtime.database();
    for (const table of ["messages", "runs", "users", "api_keys", "agents"]) {
      const row = await DB.prepare(`SELECT count(*) AS count FROM ${table}`).first<{ count: number }>();
      expect([table, row?.count]).toEqual([table, 0]);
    }
    // Names that begin with an underscore are the runtime's own.
    const own = "SELECT name FROM sqlite_master WHERE name NOT GLOB '_*'";
    expect(await taskloom.runtime.queryObject("user_first/thread-bad", own)).toEqual([]);
    expect(({} as { is_admin?: boolean }).is_admin).toBeUndefined();
    expect((await taskloom.json<{ status: string }>("POST", `${RUNS}?wait=1`, { message: "hello" })).status).toBe(
      "completed",
    );
  });

  it("no answer and no log contains a key", async () => {
    await send("GET", "/v1/threads/thread-bad/diagnostics");
    await send("GET", "/healthz");
    await send("GET", "/openapi.json");
    const logs = taskloom.runtime.logs.join("\n");
    expect(logs).toContain("unauthorized");
    for (const secret of [taskloom.key, "model-key", "sandbox-key"]) {
      expect([secret, logs.includes(secret), answers.some((text) => text.includes(secret))]).toEqual([
        secret,
        false,
        false,
      ]);
    }
  });
});
