// What a person writes with `openapi-typescript` and `openapi-fetch`: without a cast, and without asking which of two
// types an answer has.
import createClient from "openapi-fetch";
import type { components, paths } from "../../../dist/openapi/openapi-typescript.ts";
import { expect, key, url } from "./settings.ts";

type Event = components["schemas"]["Event"];

const client = createClient<paths>({ baseUrl: url, headers: { authorization: `Bearer ${key}` } });
const path = { thread_id: "thread-of-openapi-fetch" };

const started = await client.POST("/v1/threads/{thread_id}/runs", {
  params: { path, query: { wait: "1" } },
  body: { message: "[[text Hello.]]" },
});
expect(started.data?.status === "completed", "a run is an object with a status");
expect(started.data.result?.text === "Hello.", "its result has a text");

const refused = await client.POST("/v1/threads/{thread_id}/runs", { params: { path }, body: { message: "" } });
expect(refused.error?.code === "empty_message", "a problem has a code");
expect(refused.response.status === 400, "and a status");

const watched = await client.POST("/v1/threads/{thread_id}/runs/stream", {
  params: { path },
  body: { message: "[[text Hello again.]]" },
  parseAs: "stream",
});
expect(watched.data !== undefined && watched.data !== null, "a stream is a stream");
expect((await readText(watched.data)) === "Hello again.", "its events have the text");

const { data: listed } = await client.GET("/v1/threads/{thread_id}/runs", { params: { path, query: { limit: 1 } } });
expect(listed?.data.length === 1 && typeof listed.next_cursor === "string", "a page leads to the next");
const { data: plan } = await client.GET("/v1/threads/{thread_id}/tasks", { params: { path } });
expect(plan?.total_tasks === 0, "a plan counts its tasks");
const gone = await client.DELETE("/v1/threads/{thread_id}", { params: { path } });
expect(gone.response.status === 204 && gone.error === undefined, "what is deleted answers nothing");

async function readText(stream: ReadableStream<Uint8Array>): Promise<string> {
  const all = await new Response(stream).text();
  const lines = all.split("\n").filter((line) => line.startsWith("data: "));
  const events: Event[] = lines.map((line) => JSON.parse(line.slice("data: ".length)));
  return events.map((event) => (event.type === "TEXT_MESSAGE_CONTENT" ? event.delta : "")).join("");
}
