// Asking again and editing over HTTP, with real objects of threads and the real local D1.
import { env } from "cloudflare:test";
import { describe, expect, it } from "vitest";
import { newId } from "../../src/protocol/ids.ts";
import { realUser } from "./real-client.ts";

interface Listed {
  message_id: string;
  type: string;
  content: { content?: unknown };
  superseded_by?: string;
  superseded_at?: string;
}

async function talk() {
  const user_id = newId("user");
  const ada = await realUser(user_id);
  const path = "/v1/threads/thread-001";
  const messages = async (query = "") =>
    ((await ada.send("GET", `${path}/messages?type=user,assistant${query}`)).body.data ?? []) as unknown as Listed[];
  const texts = async (query = "") => (await messages(query)).map(({ content }) => content.content);
  const post = (where: string, body: object = {}, headers?: Record<string, string>) =>
    ada.send("POST", `${path}/${where}?wait=1`, body, headers);
  for (const [id, text] of [
    ["m1", "[[text one]]"],
    ["m2", "[[text two]]"],
  ]) {
    expect((await post("runs", { message: text, message_id: id })).status).toBe(200);
  }
  return { user_id, ada, path, messages, texts, post };
}

describe("POST …/regenerate", () => {
  it("asks the turn of a message or a reply again, and lists leave out what it supersedes", async () => {
    const { messages, texts, post } = await talk();
    const [, reply] = await messages();
    const answer = await post(`messages/${reply?.message_id}/regenerate`, { model: "other" });
    expect(answer).toMatchObject({ status: 200, body: { status: "completed", model: "other" } });
    expect(await texts()).toEqual(["[[text one]]", "one"]);
    expect(await texts("&include=superseded")).toEqual(["[[text one]]", "one", "[[text two]]", "two", "one"]);
    const marked = (await messages("&include=superseded")).filter(({ superseded_by }) => superseded_by !== undefined);
    expect(marked.map(({ superseded_by }) => superseded_by)).toEqual(Array(3).fill(answer.body.invocation_id));
    expect(marked[0]?.superseded_at).toMatch(/Z$/);
    // The reply that it named can't be asked again, so the same request is the same run.
    const repeated = await post(`messages/${reply?.message_id}/regenerate`, { model: "other" });
    expect(repeated.body.invocation_id).toBe(answer.body.invocation_id);
    expect((await post("messages/m1/regenerate")).status).toBe(200);
    expect((await texts("&include=superseded")).length).toBe(6);
  });

  it("needs no body, and says what is wrong", async () => {
    const { ada, path, post } = await talk();
    expect((await ada.send("POST", `${path}/messages/m2/regenerate?wait=1`)).status).toBe(200);
    const statusOf = async (where: string, body?: object) => {
      const { status, body: problem } = await post(where, body);
      return [status, problem.code];
    };
    expect(await statusOf("messages/unknown/regenerate")).toEqual([404, "not_found"]);
    expect(await statusOf("messages/m1/regenerate", { on_busy: "enqueue" })).toEqual([400, "invalid_field"]);
    expect(await statusOf("messages/m1/regenerate", { message: "x" })).toEqual([400, "unknown_field"]);
    expect(await statusOf("messages/m1/regenerate", { agent_id: "agent-none" })).toEqual([404, "not_found"]);
    const elsewhere = await ada.send("POST", "/v1/threads/none/messages/m1/regenerate");
    expect([elsewhere.status, elsewhere.body.code]).toEqual([404, "not_found"]);
    expect((await ada.send("GET", "/v1/threads/none")).status).toBe(404);
  });

  it("is refused while a run is active, and ends that with `replace`", async () => {
    const { ada, path, texts, post } = await talk();
    await ada.send("POST", `${path}/runs`, { message: "[[pace 40]] [[say 400]]", invocation_id: "inv_slow" });
    const refused = await post("messages/m1/regenerate");
    expect([refused.status, refused.body.code]).toEqual([409, "busy"]);
    const answer = await post("messages/m1/regenerate", { on_busy: "replace" });
    expect(answer.body.status).toBe("completed");
    expect(await texts()).toEqual(["[[text one]]", "one"]);
    expect((await ada.send("GET", `${path}/runs/inv_slow`)).body.status).toBe("cancelled");
  });

  it("streams the run, as its `/stream` and that of an edit do whatever `Accept` says", async () => {
    const { ada, path, texts } = await talk();
    const events = { accept: "text/event-stream" };
    const edited = { message: "[[text three]]", message_id: "m2" };
    for (const [form, body, headers] of [
      ["regenerate", {}, events],
      ["regenerate/stream", undefined, {}],
      ["edit/stream", edited, { accept: "application/json" }],
    ] as const) {
      const { status, text } = await ada.send("POST", `${path}/messages/m2/${form}`, body, headers);
      expect([form, status]).toEqual([form, 200]);
      expect(text).toContain('"type":"RUN_STARTED"');
      expect(text).toContain('"type":"RUN_FINISHED"');
    }
    expect(await texts()).toEqual(["[[text one]]", "one", "[[text three]]", "three"]);
    const refused = await ada.send("POST", `${path}/messages/none/edit/stream`, edited);
    expect([refused.status, refused.body.code]).toEqual([404, "not_found"]);
  });
});

describe("POST …/edit", () => {
  it("puts another message in the place of a person's", async () => {
    const { texts, messages, post } = await talk();
    const body = { message: "[[text three]]", message_id: "m3" };
    const answer = await post("messages/m1/edit", body);
    expect(answer).toMatchObject({ status: 200, body: { status: "completed", result: { text: "three" } } });
    expect(await texts()).toEqual(["[[text three]]", "three"]);
    expect((await messages())[0]?.message_id).toBe("m3");
    // The same again is the same run; another message in its place is too late.
    const repeated = await post("messages/m1/edit", { message: "[[text three]]" });
    expect(repeated.body.invocation_id).toBe(answer.body.invocation_id);
    const late = await post("messages/m1/edit", { message: "[[text four]]" });
    expect([late.status, late.body.code]).toEqual([404, "not_found"]);
  });

  it("keeps the message's id if it is given, in D1 too", async () => {
    const { messages, texts, post, user_id } = await talk();
    await post("messages/m2/edit", { message: "[[text three]]", message_id: "m2" });
    expect(
      (await messages()).filter(({ message_id }) => message_id === "m2").map(({ content }) => content.content),
    ).toEqual(["[[text three]]"]);
    const all = await messages("&include=superseded");
    expect(new Set(all.map(({ message_id }) => message_id)).size).toBe(all.length);
    expect(await texts("&after=m2")).toEqual(["three"]);
    const { results } = await env.DB.prepare(
      "SELECT type, superseded FROM messages WHERE user_id = ? AND superseded IS NOT NULL",
    )
      .bind(user_id)
      .all<{ type: string; superseded: string }>();
    expect(results.map(({ type, superseded }) => [type, JSON.parse(superseded).type])).toEqual([
      ["superseded", "user"],
      ["superseded", "assistant"],
    ]);
  });

  it("may bring a message that kept its id back to what it was", async () => {
    const { texts, post } = await talk();
    const edit = async (text: string, more: object = {}) => {
      const { status, body } = await post("messages/m2/edit", {
        message: `[[text ${text}]]`,
        message_id: "m2",
        ...more,
      });
      expect(status).toBe(200);
      return String(body.invocation_id);
    };
    const runs = [];
    for (const text of ["three", "four", "three", "four"]) {
      const id = await edit(text);
      // The same again is the same run, as long as it is what the message says.
      expect(await edit(text)).toBe(id);
      runs.push(id);
      expect((await texts()).slice(2)).toEqual([`[[text ${text}]]`, text]);
    }
    expect(new Set(runs).size).toBe(4);
    expect(await edit("four", { model: "other" })).not.toBe(runs.at(-1));
  });

  it("says what is wrong", async () => {
    const { messages, post } = await talk();
    const [, reply] = await messages();
    const codeOf = async (id: string, body: object) => (await post(`messages/${id}/edit`, body)).body.code;
    expect(await codeOf(reply?.message_id ?? "", { message: "x" })).toBe("invalid_operation");
    expect(await codeOf("m1", { message: " " })).toBe("empty_message");
    expect(await codeOf("m1", {})).toBe("invalid_field");
    expect(await codeOf("m1", { message: "x", message_id: "m2" })).toBe("already_exists");
    expect(await codeOf("none", { message: "x" })).toBe("not_found");
  });
});
