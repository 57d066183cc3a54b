// A deploy under AG-UI clients whose ids are of any form: an object of the former version knows the derived ids alone,
// and this version continues with what it wrote.
import { afterAll, beforeAll, expect, it } from "vitest";
import type { ThreadEvent } from "../../src/protocol/event.ts";
import type { MessageRow } from "../../src/protocol/message.ts";
import { parseFrames } from "../fakes/conversation.ts";
import { clientOf } from "../setup/server-client.ts";
import { startVersionPair, type Version, type VersionPair } from "../setup/version-pair.ts";
import { type PuppetModel, startPuppetModel } from "./puppet-model.ts";

const key = "first-key-of-the-tests";
const threadId = "app:chat/1";

let model: PuppetModel;
let versions: VersionPair;

beforeAll(async () => {
  model = await startPuppetModel();
  versions = await startVersionPair({
    ADMIN_API_KEY: key,
    OPENAI_API_KEY: "model-key",
    OPENAI_BASE_URL: model.baseUrl,
    OPENAI_MODEL: "puppet",
    DAYTONA_API_KEY: "sandbox-key",
  });
});
afterAll(async () => {
  await versions.close();
  await model.close();
});

const request = (method: string, path: string, body?: unknown) =>
  clientOf({ url: versions.url, key }).request(method, path, body);

async function deploy(worker: Version, objects: Version): Promise<void> {
  await versions.switchTo(worker, objects);
  model.forget();
}

const said = (...ids: string[]) => ids.map((id) => ({ id, role: "user", content: `say ${id}` }));

async function run(runId: string, messages: object[], answer: string): Promise<string> {
  const response = request("POST", "/ag-ui", { threadId, runId, messages });
  const call = await model.next();
  call.text(answer);
  call.finish();
  return await (await response).text();
}

/** The events of the former version are not read as strictly: it sent no whole input. */
function idsOf(text: string): string[] {
  const lines = text.split("\n").filter((line) => line.startsWith('data: {"type":"RUN_'));
  return lines.map((line) => (JSON.parse(line.slice("data: ".length)) as { runId: string }).runId);
}

it("continues through a deploy and a rollback, and each message is taken once", async () => {
  await deploy("current", "former");
  const [derived = "", ...others] = idsOf(await run("run:1", said("user:1"), "one"));
  expect([derived, others]).toEqual([expect.stringMatching(/^inv_/), [derived]]);

  await deploy("current", "current");
  const second = await run("run:2", said("user:1", "user:2"), "two");
  const events: ThreadEvent[] = parseFrames(second, { former: true }).map(({ event }) => event);
  expect(idsOf(second)).toEqual(["run:2", "run:2"]);
  expect(events[0]).toMatchObject({ threadId, input: { messages: [{ id: "user:2" }] } });
  const again = await (await request("POST", "/ag-ui", { threadId, runId: "run:1", messages: [] })).text();
  expect(idsOf(again)).toEqual(["run:1", "run:1"]);

  await deploy("current", "former");
  await run("run:3", said("user:1", "user:2", "user:3"), "three");

  await deploy("current", "current");
  const thread = (events[0] as { metadata?: { thread_id?: string } }).metadata?.thread_id;
  const { data } = (await (await request("GET", `/v1/threads/${thread}/messages`)).json()) as { data: MessageRow[] };
  const texts = data.flatMap(({ type, content }) =>
    type === "user" ? [(content as { content: string }).content] : [],
  );
  expect(texts).toEqual(["say user:1", "say user:2", "say user:3"]);
  expect((await request("DELETE", `/v1/threads/${thread}`)).status).toBe(204);
});
