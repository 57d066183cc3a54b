// A client that repeats the POST that started its run, as some do after each lost connection: with real objects.
import { expect, it } from "vitest";
import { newId } from "../../src/protocol/ids.ts";
import { realUser } from "./real-client.ts";

const RUN = { message: "[[text one two]]", invocation_id: "inv_again" };

async function talk() {
  const ada = await realUser(newId("user"));
  const post = async (after: string | null, body: object = RUN) => {
    const headers: Record<string, string> = after === null ? {} : { "last-event-id": after };
    const answer = await ada.send("POST", "/v1/threads/thread-001/runs/stream", body, headers);
    return { ...answer, ids: Array.from(answer.text.matchAll(/^id: (\d+)$/gm), ([, id]) => Number(id)) };
  };
  return { ada, post };
}

it("a repeated start with Last-Event-ID gets the rest, and the whole without it", async () => {
  const { ada, post } = await talk();
  const first = await post(null);
  expect(first.ids.length).toBeGreaterThan(4);
  const [started, state] = first.ids;
  const whole = await post(null);
  expect(whole.ids[0]).toBe(started);
  const rest = await post(String(state));
  expect(rest.status).toBe(200);
  expect(rest.ids).toEqual(whole.ids.filter((id) => id > Number(state)));
  expect(rest.text).not.toContain("RUN_STARTED");
  expect((await post(String(first.ids.at(-1)))).ids).toEqual([]);
  const { body } = await ada.send("GET", "/v1/threads/thread-001/runs");
  expect(body.data).toHaveLength(1);
  const events = { accept: "text/event-stream", "last-event-id": String(state) };
  const { text } = await ada.send("POST", "/v1/threads/thread-001/runs", RUN, events);
  expect(text).toContain("RUN_FINISHED");
  expect(text).not.toContain("RUN_STARTED");
});

it("a number that a client has of something else takes nothing from a new run", async () => {
  const { post } = await talk();
  expect((await post("999999")).text).toContain("RUN_STARTED");
  const next = await post("3", { message: "[[text three]]", invocation_id: "inv_next" });
  expect(next.text).toContain("RUN_STARTED");
  expect(next.text).not.toContain("resync");
  const refused = await post("abc", { message: "[[text four]]", invocation_id: "inv_four" });
  expect([refused.status, refused.body.code]).toEqual([400, "bad_cursor"]);
});
