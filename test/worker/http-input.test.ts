// Bad input: each is answered with a clear problem, and nothing reaches a thread's object.
import { describe, expect, it } from "vitest";
import { createClient } from "./http-client.ts";

const RUNS = "/v1/threads/t/runs";
const MEBIBYTE = 1024 * 1024;

/** A body of one message that has this many bytes in all. */
function bodyOf(bytes: number): string {
  const frame = JSON.stringify({ message: "" });
  return JSON.stringify({ message: "x".repeat(bytes - frame.length) });
}

describe("a body", () => {
  const cases: [string, unknown, string, RegExp][] = [
    ["that is not JSON", '{"message": "x"', "bad_json", /not JSON/],
    ["that is not UTF-8", new Uint8Array([0x22, 0xff, 0x22]), "bad_json", /UTF-8/],
    ["that is no object", '"text"', "invalid_field", /expected object/],
    ["without a message", {}, "invalid_field", /^message: /],
    ["with a message of the wrong type", { message: 5 }, "invalid_field", /^message: .*string or array/],
    ["with null for a message", { message: null }, "invalid_field", /^message: /],
    ["with an unknown field", { message: "x", mesage: 1, extra: 2 }, "unknown_field", /"mesage", "extra"/],
    [
      "with an unknown field inside",
      { message: [{ type: "text", text: "x", txt: 1 }] },
      "unknown_field",
      /"message\[0\]\.txt"/,
    ],
    ["with a part of an unknown kind", { message: [{ type: "audio" }] }, "invalid_field", /^message\[0\]/],
    [
      "with a wrong type deep inside",
      { message: [{ type: "text", text: 1 }] },
      "invalid_field",
      /^message\[0\]\.text: /,
    ],
    ["with an empty message", { message: "" }, "empty_message", /neither text nor an image/],
    ["with white space for a message", { message: " \n\t　" }, "empty_message", /./],
    ["with no parts", { message: [] }, "empty_message", /./],
    ["with empty parts", { message: [{ type: "text", text: " " }] }, "empty_message", /./],
    ["with a lone surrogate", '{"message": "a\\ud83d"}', "invalid_field", /^message: .*lone surrogate/],
    [
      "with a lone surrogate in metadata",
      '{"message": "a", "metadata": {"k": "\\udc00"}}',
      "invalid_field",
      /^metadata: .*surrogate/,
    ],
    [
      "with a lone surrogate in a key",
      '{"message": "a", "metadata": {"\\ud800": 1}}',
      "invalid_field",
      /^metadata: .*surrogate/,
    ],
    [
      "with metadata nested too deep",
      `{"message":"a","metadata":{"k":${"[".repeat(5000)}${"]".repeat(5000)}}}`,
      "invalid_field",
      /deeper/,
    ],
    [
      "with a number beyond all",
      '{"message":"a","metadata":{"k":[1e400]}}',
      "invalid_field",
      /^metadata: has a number/,
    ],
    ["with metadata too large", { message: "a", metadata: { k: "x".repeat(70_000) } }, "invalid_field", /larger/],
    ["with an id that no id can be", { message: "a", invocation_id: "a/b" }, "invalid_field", /^invocation_id: /],
    ["with an unknown policy", { message: "a", on_busy: "wait" }, "invalid_field", /^on_busy: /],
    ["with too many steps", { message: "a", max_steps: 1001 }, "invalid_field", /^max_steps: /],
    ["with a step and a half", { message: "a", max_steps: 1.5 }, "invalid_field", /^max_steps: /],
  ];
  for (const [name, body, code, detail] of cases) {
    it(`${name} is ${code}`, async () => {
      const client = createClient();
      const answer = await client.send("POST", RUNS, body);
      expect(answer.headers.get("content-type")).toBe("application/problem+json");
      expect(answer.body).toMatchObject({ status: 400, code, request_id: answer.headers.get("x-request-id") });
      expect(answer.body.detail).toMatch(detail);
      expect(client.threads.asked).toEqual([]);
    });
  }

  it("with an unknown agent is not_found, and the detail names the agent", async () => {
    const client = createClient();
    const answer = await client.send("POST", RUNS, { message: "hi", agent_id: "nobody" });
    expect(answer).toMatchObject({
      status: 404,
      body: { code: "not_found", detail: expect.stringContaining("nobody") },
    });
    expect(client.threads.asked).toEqual([]);
  });

  it("of one mebibyte is accepted and one byte more is refused, with or without a length", async () => {
    const client = createClient();
    expect((await client.send("POST", RUNS, bodyOf(MEBIBYTE))).status).toBe(202);
    const large = bodyOf(MEBIBYTE + 1);
    expect(await client.send("POST", RUNS, large)).toMatchObject({ status: 413, body: { code: "body_too_large" } });
    const announced = await client.send("POST", RUNS, "{}", { "content-length": String(MEBIBYTE + 1) });
    expect(announced.status).toBe(413);
  });

  it("without an end is refused after a bounded number of bytes", async () => {
    const client = createClient();
    let pulled = 0;
    const endless = new ReadableStream({
      pull(controller) {
        pulled += 1;
        controller.enqueue(new Uint8Array(64 * 1024).fill(32));
      },
    });
    expect((await client.send("POST", RUNS, endless)).status).toBe(413);
    expect(pulled).toBeLessThan(300);
  });

  it("keeps emoji, Chinese and control characters as they are", async () => {
    const client = createClient();
    const message = "帮我做一个电商网站 👩‍👩‍👧 \u0000 \u202e";
    expect((await client.send("POST", RUNS, { message })).status).toBe(202);
    expect(client.threads.asked).toMatchObject([{ method: "accept", input: { messages: [{ content: message }] } }]);
  });

  it("of AG-UI may have unknown fields, and its problems are plain JSON", async () => {
    const client = createClient();
    const body = {
      threadId: "t",
      runId: "r",
      messages: [{ id: "m", role: "user", content: "hi", mood: 1 }],
      later: true,
    };
    expect((await client.send("POST", "/ag-ui", body)).status).toBe(200);
    for (const wrong of [{ runId: "r" }, { ...body, threadId: "" }, "{", { ...body, messages: [{ role: "user" }] }]) {
      const answer = await client.send("POST", "/ag-ui", wrong);
      expect([answer.status, answer.headers.get("content-type")]).toEqual([400, "application/json"]);
    }
    const audio = { ...body, messages: [{ id: "m", role: "user", content: [{ type: "audio" }] }] };
    expect((await client.send("POST", "/ag-ui", audio)).body.detail).toMatch(
      /^messages\[0\]\.content\[0\].*known kind/,
    );
  });
});

describe("an agent", () => {
  const cases: [string, unknown, string, RegExp][] = [
    ["an unknown field", { tempreture: 1 }, "unknown_field", /"tempreture"/],
    ["what only the server sets", { pinned_version: 1 }, "unknown_field", /"pinned_version"/],
    ["a temperature below zero", { temperature: -0.1 }, "invalid_field", /^temperature: /],
    ["a temperature above two", { temperature: 2.1 }, "invalid_field", /^temperature: /],
    ["a temperature as text", { temperature: "1" }, "invalid_field", /^temperature: /],
    ["an unknown tool", { tools: ["read_file", "bash"] }, "invalid_field", /^tools\[1\]: .*"bash".*execute_command/],
    ["a tool that no tool can be", { tools: ["rm *"] }, "invalid_field", /^tools\[0\]: /],
    ["a tool that every object has", { tools: ["constructor"] }, "invalid_field", /"constructor"/],
    ["too many tools", { tools: Array(101).fill("read_file") }, "invalid_field", /^tools: /],
    ["too many fallbacks", { fallback_models: ["a", "b", "c", "d", "e", "f"] }, "invalid_field", /^fallback_models: /],
    ["an empty fallback", { fallback_models: [""] }, "invalid_field", /^fallback_models\[0\]: /],
    ["approvals of no kind", { approvals: 5 }, "invalid_field", /^approvals: .*record or array/],
    ["an approval of an unknown tool", { approvals: { pick_color: "*" } }, "invalid_field", /"pick_color".*read_file/],
    [
      "an unknown tool in a list",
      { approvals: ["read_file", "bash: rm"] },
      "invalid_field",
      /^approvals\[1\]: .*"bash"/,
    ],
    ["a call with an unknown field", { approvals: [{ tool: "read_file", patern: "*" }] }, "unknown_field", /patern/],
    [
      "a tool without patterns",
      { approvals: { read_file: [] } },
      "invalid_field",
      /^approvals\.read_file: .*no pattern/,
    ],
    ["an empty pattern", { approvals: { read_file: [""] } }, "invalid_field", /^approvals\.read_file/],
    ["a number for a pattern", { approvals: { read_file: [1] } }, "invalid_field", /^approvals\.read_file/],
    ["a long pattern", { approvals: { read_file: "x".repeat(501) } }, "invalid_field", /^approvals\.read_file/],
    [
      "too many patterns",
      { approvals: { read_file: range(60), edit_file: range(41) } },
      "invalid_field",
      /100 patterns/,
    ],
    ["too many calls", { approvals: range(101).map(() => "read_file") }, "invalid_field", /^approvals: /],
    ["a lone surrogate", '{"name":"A","approvals":{"read_file":"\\ud800"}}', "invalid_field", /surrogate/],
  ];
  it("with a wrong field is refused on create and on change, and stays as it was", async () => {
    const client = await createClient().addUser("user_agents_input");
    for (const [name, fields, code, detail] of cases) {
      const given = typeof fields === "string" ? fields : { name: "A", ...(fields as object) };
      for (const [method, path] of [
        ["POST", "/v1/agents"],
        ["PATCH", "/v1/agents/agent_default"],
      ] as const) {
        const answer = await client.send(method, path, given);
        expect([name, method, answer.status, answer.body.code]).toEqual([name, method, 400, code]);
        expect(answer.body.detail).toMatch(detail);
      }
    }
    expect((await client.send("GET", "/v1/agents")).body.data).toMatchObject([
      { agent_id: "agent_default", version: 1 },
    ]);
  });

  it("accepts only whole numbers from one on as versions", async () => {
    const client = await createClient().addUser("user_versions_input");
    for (const version of ["0", "-1", "1.5", "x", "1e99", "%00"]) {
      for (const path of [`versions/${version}`, `compare?from=1&to=${version}`]) {
        const answer = await client.send("GET", `/v1/agents/agent_default/${path}`);
        expect([path, answer.status, answer.body.code]).toEqual([path, 400, "invalid_field"]);
      }
    }
    for (const query of ["", "?from=1", "?to=1", "?from=&to=1"]) {
      expect((await client.send("GET", `/v1/agents/agent_default/compare${query}`)).body.code).toBe("invalid_field");
    }
    for (const body of [{}, { version: 0 }, { version: 1.5 }, { version: "1" }, { version: null }]) {
      for (const [method, path] of [
        ["PUT", "pin"],
        ["POST", "rollback"],
      ] as const) {
        const answer = await client.send(method, `/v1/agents/agent_default/${path}`, body);
        expect([answer.status, answer.body.code]).toEqual([400, "invalid_field"]);
      }
    }
  });
});

function range(count: number): string[] {
  return Array.from({ length: count }, (_, at) => `${at}`);
}

describe("a path or query", () => {
  it("without a route is not found, for every method", async () => {
    const client = createClient();
    for (const [method, path] of [
      ["GET", "/"],
      ["GET", "/v1/thread"],
      ["PUT", "/v1/threads"],
      ["DELETE", "/healthz"],
      ["GET", "/ag-ui"],
    ] as const) {
      expect(await client.send(method, path)).toMatchObject({ status: 404, body: { code: "not_found" } });
    }
  });

  it("with a malformed id is invalid", async () => {
    const client = createClient();
    for (const id of ["a%20b", "a%2Fb", "%E0%A4", "a".repeat(65), "%00"]) {
      expect(await client.send("GET", `/v1/threads/${id}`)).toMatchObject({
        status: 400,
        body: { code: "invalid_field" },
      });
    }
  });

  it("that is not UTF-8 is invalid, and not the name of a file that is spelled like it", async () => {
    const client = createClient();
    for (const query of ["path=%ff", "path=a%C3", "path=%ED%A0%80"]) {
      const answer = await client.send("GET", `/v1/projects/none/sandbox/files?${query}`);
      expect(answer).toMatchObject({ status: 400, body: { code: "invalid_field" } });
    }
    for (const query of ["path=100%", "path=%25ff", "path=%C3%A9+x"])
      expect((await client.send("GET", `/v1/projects/none/sandbox/files?${query}`)).status).toBe(404);
  });

  it("accepts limits from 1 to 200 only, and cursors of a list only", async () => {
    const client = createClient();
    for (const limit of ["0", "201", "x", "1.5", "-1"]) {
      expect(await client.send("GET", `/v1/threads?limit=${limit}`)).toMatchObject({ body: { code: "invalid_field" } });
    }
    for (const list of ["threads", "projects", "agents", "api-keys", "agents/agent_default/versions"]) {
      const answer = await client.send("GET", `/v1/${list}?cursor=nonsense`);
      expect([list, answer.status, answer.body.code]).toEqual([list, 400, "bad_cursor"]);
    }
    expect(await client.send("GET", "/v1/threads?limt=5")).toMatchObject({
      status: 400,
      body: { code: "unknown_field" },
    });
  });

  it("accepts only an integer as the position in the events", async () => {
    const client = createClient();
    for (const after of ["x", "1.5", "-1", "1e3"]) {
      for (const path of ["/v1/threads/t/events", "/v1/threads/t/runs/i/events"]) {
        expect(await client.send("GET", `${path}?after=${after}`)).toMatchObject({
          status: 400,
          body: { code: "bad_cursor" },
        });
        const answer = await client.send("GET", path, undefined, { "last-event-id": after });
        expect(answer.body.code).toBe("bad_cursor");
      }
    }
    expect(client.threads.asked).toEqual([]);
  });
});
