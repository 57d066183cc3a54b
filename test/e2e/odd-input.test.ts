// Unusual but valid input: every character and every size passes through the model, the stream and D1 unchanged, and
// colliding ids are refused before they do harm.
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type RunsClient, startRunsClient, useTool } from "./runs-client.ts";
import { checkFrames, openReader, readAsClient, readConversation } from "./stream-reader.ts";

let client: RunsClient;

beforeAll(async () => {
  client = await startRunsClient();
});
afterAll(() => client.close());

const odd = [
  "\ufeff帮我做一个电商网站 👩‍👩‍👧‍👦 🏴󠁧󠁢󠁥󠁮󠁧󠁿",
  "nul \u0000 escape \u001b[31m bell \u0007 \u007f \u0085",
  "lines\r\nlike\rthese\n\n\u2028\u2029 data: x\n\nid: 5\n: ping\n\n",
  "e\u0301 ≠ é, \u202eright to left\u202c, zero\u200bwidth, \ufffd \uffff \u{10ffff}",
  "'; DROP TABLE messages; -- \" \\ \\u0000 \\ud800 %s {x} </script> [[not a hook]]",
].join("\n");
// A plan's texts are short and have no control characters.
const oddTask = "e\u0301 ≠ é, \u202eright to left\u202c 👩‍👩‍👧‍👦 <b>\"'\\";

describe("a text of any characters", () => {
  it("is the same in the model, in the stream, in D1 and in a resync, whoever sent it", async () => {
    await client.post("odd/runs", { message: odd, message_id: "m1", invocation_id: "inv-1", metadata: { odd } });
    const call = await client.model.next();
    expect(call.messages.findLast(({ role }) => role === "user")?.content).toBe(odd);
    call.think(odd);
    for (const piece of odd.match(/.{1,7}/gsu) ?? []) call.text(piece);
    useTool(call, "call-odd", "create_tasks", { section_title: oddTask, task_contents: [oddTask] });
    useTool(await client.model.next(), "call-end", "complete", { summary: odd });
    const path = "/v1/threads/odd/runs/inv-1/events";
    const [live, late] = await Promise.all([openReader(client.taskloom, path), openReader(client.taskloom, path)]);
    for (const reader of [live, late]) {
      expect(await reader.ended).toBe("closed");
      checkFrames(reader.frames);
    }
    const stored = await readConversation(client.taskloom, "odd");
    expect(stored[0]).toMatchObject({ role: "user", content: odd });
    expect(stored).toContainEqual(expect.objectContaining({ role: "reasoning", content: odd }));
    expect(stored).toContainEqual(expect.objectContaining({ role: "assistant", content: odd }));
    expect((await readAsClient(live.frames.map(({ event }) => event))).messages).toEqual(stored);
    const resync = await openReader(client.taskloom, path, { after: 10_000_000 });
    await resync.ended;
    expect((await readAsClient(resync.frames.map(({ event }) => event))).messages).toEqual(stored);
    const run = await client.readRun("odd", "inv-1");
    expect([run.metadata, run.result?.text]).toEqual([{ odd }, odd.trim()]);
    expect(await client.taskloom.json("GET", "/v1/threads/odd/tasks")).toMatchObject({
      sections: [{ title: oddTask, tasks: [{ content: oddTask }] }],
    });
  });

  it("is kept in names, titles and metadata", async () => {
    const { taskloom } = client;
    const made = await taskloom.json<{ project_id: string }>("POST", "/v1/projects", { name: odd });
    const body = `{"project_id":"${made.project_id}","thread_id":"odd-names","title":${JSON.stringify(odd)},"metadata":{"__proto__":{"a":1},"constructor":[${JSON.stringify(odd)}],"":null}}`;
    const response = await fetch(`${taskloom.url}/v1/threads`, {
      method: "POST",
      headers: { authorization: `Bearer ${taskloom.key}`, "content-type": "application/json" },
      body,
    });
    expect(response.status).toBe(201);
    const thread = await (await taskloom.request("GET", "/v1/threads/odd-names")).text();
    expect(JSON.parse(thread)).toMatchObject({ title: odd, metadata: { constructor: [odd], "": null } });
    // The one name that is dropped, because copying it would set a prototype.
    expect(thread).not.toContain("__proto__");
    expect(await taskloom.json("GET", `/v1/projects/${made.project_id}`)).toMatchObject({ name: odd });
  });

  it("that a model cuts within a character is whole again, and half a character harms nothing", async () => {
    await client.post("halves/runs", { message: "hi", invocation_id: "inv-1" });
    const call = await client.model.next();
    for (const piece of ["a \ud83d", "\ude00 b ", "\udc00", " c"]) call.text(piece);
    call.finish();
    const events = await client.eventsOf("halves", "inv-1");
    expect(events.at(-1)).toMatchObject({ type: "RUN_FINISHED" });
    const { messages } = await readAsClient(events);
    const stored = await readConversation(client.taskloom, "halves");
    expect(JSON.stringify(stored)).toContain("a 😀 b ");
    expect(messages).toEqual(stored);
    const next = client.post("halves/runs?wait=1", { message: "go on" });
    await client.say("well");
    expect((await next).body.status).toBe("completed");
  });
});

describe("a message of a whole mebibyte", () => {
  it("is accepted, stored and streamed whole", async () => {
    const frame = JSON.stringify({ message: "", invocation_id: "inv-1" });
    const message = "界".repeat(Math.floor((1024 * 1024 - frame.length) / 3));
    const rest = "x".repeat(1024 * 1024 - frame.length - 3 * message.length);
    const accepted = await client.post("large/runs", { message: message + rest, invocation_id: "inv-1" });
    expect(accepted.status).toBe(202);
    const call = await client.say("long");
    expect(call.messages.at(-1)?.content === message + rest).toBe(true);
    const events = await client.eventsOf("large", "inv-1");
    expect(JSON.stringify(events[0]).includes(message)).toBe(true);
    const [row] = await client.listMessages("large", "user");
    expect(JSON.stringify(row?.content) === JSON.stringify({ role: "user", content: message + rest })).toBe(true);
  });
});

describe("ids that are taken", () => {
  it("by a message of the same body, another run's or a waiting one are refused, and the thread works on", async () => {
    const twice = {
      threadId: "ids",
      runId: "inv-0",
      messages: [
        { id: "m1", role: "user", content: "one" },
        { id: "m1", role: "user", content: "two" },
      ],
    };
    expect((await client.taskloom.request("POST", "/ag-ui", twice)).status).toBe(409);
    await client.post("ids/runs", { message: "first", message_id: "m1", invocation_id: "inv-1" });
    const first = await client.model.next();
    const taken = async (body: object) => {
      const answer = await client.post("ids/runs", { message: "again", ...body });
      expect([body, answer.status, answer.body.code]).toEqual([body, 409, "already_exists"]);
    };
    await taken({ message_id: "m1" });
    await client.post("ids/runs", { message: "waits", message_id: "m2", invocation_id: "inv-2" });
    await taken({ message_id: "m2" });
    await client.post("ids/runs", { message: "steers", message_id: "m3", on_busy: "steer", invocation_id: "inv-3" });
    await taken({ message_id: "m3", on_busy: "steer" });
    await taken({ message_id: "m3" });
    first.call(0, "call-1", "view_tasks", "{}");
    first.finish("tool_calls");
    await client.say("one");
    await client.say("two");
    await client.eventsOf("ids", "inv-2");
    const users = await client.listMessages("ids", "user");
    expect(users.map(({ message_id }) => message_id)).toEqual(["m1", "m3", "m2"]);
    const assistants = await client.listMessages("ids", "assistant");
    await taken({ message_id: assistants[0]?.message_id });
  });

  it("by the model for two of its calls are kept apart", async () => {
    await client.post("calls/runs", { message: "hi", invocation_id: "inv-1" });
    const call = await client.model.next();
    call.call(0, "call-same", "view_tasks", "{}");
    call.call(1, "call-same", "list_commands", "{}");
    call.finish("tool_calls");
    const next = await client.model.next();
    const ids = next.messages.flatMap(({ tool_calls }) => tool_calls?.map(({ id }) => id) ?? []);
    expect(new Set(ids).size).toBe(2);
    next.call(0, "call-same", "view_tasks", "{}");
    next.finish("tool_calls");
    await client.say("done");
    const events = await client.eventsOf("calls", "inv-1");
    expect((await readAsClient(events)).messages).toEqual(await readConversation(client.taskloom, "calls"));
  });
});
