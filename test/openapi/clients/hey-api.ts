// The same with the client that `@hey-api/openapi-ts` makes, whose streams are events already.
import { createClient } from "../../../dist/openapi/hey-api/client/index.ts";
import {
  deleteThreadsThreadId,
  getThreadsThreadIdRuns,
  getThreadsThreadIdTasks,
  postThreadsThreadIdRuns,
  postThreadsThreadIdRunsStream,
} from "../../../dist/openapi/hey-api/sdk.gen.ts";
import { expect, key, url } from "./settings.ts";

const client = createClient({ baseUrl: url, auth: key });
const path = { thread_id: "thread-of-hey-api" };

const started = await postThreadsThreadIdRuns({
  client,
  path,
  query: { wait: "1" },
  body: { message: "[[text Hello.]]" },
});
expect(started.data?.status === "completed", "a run is an object with a status");
expect(started.data.result?.text === "Hello.", "its result has a text");

const refused = await postThreadsThreadIdRuns({ client, path, body: { message: "" } });
expect(refused.error?.code === "empty_message", "a problem has a code");
expect(refused.response?.status === 400, "and a status");

const { stream } = await postThreadsThreadIdRunsStream({ client, path, body: { message: "[[text Hello again.]]" } });
let text = "";
for await (const event of stream) if (event.type === "TEXT_MESSAGE_CONTENT") text += event.delta;
expect(text === "Hello again.", "a stream's events have the text");

const { data: listed } = await getThreadsThreadIdRuns({ client, path, query: { limit: 1 } });
expect(listed?.data.length === 1 && typeof listed.next_cursor === "string", "a page leads to the next");
const { data: plan } = await getThreadsThreadIdTasks({ client, path });
expect(plan?.total_tasks === 0, "a plan counts its tasks");
const gone = await deleteThreadsThreadId({ client, path });
expect(gone.response?.status === 204 && gone.error === undefined, "what is deleted answers nothing");
