// Webhooks across a deploy: those of the former version, and new ones while the former version's objects make their
// deliveries. The former version is a bundle that is kept in test/fixtures/former-version.
import { afterEach, beforeEach, expect, it } from "vitest";
import { clientOf, type ServerClient } from "../setup/server-client.ts";
import { startVersionPair, type Version, type VersionPair } from "../setup/version-pair.ts";
import { type PuppetModel, startPuppetModel } from "./puppet-model.ts";
import { type Receiver, startReceiver, untilVerified, verify } from "./webhook-receiver.ts";

interface Hook {
  webhook_id: string;
  secret: string;
}

const key = "first-key-of-the-tests";
const events = ["run.completed", "task.updated"];

let model: PuppetModel;
let receiver: Receiver;
let versions: VersionPair;
let server: ServerClient;
let pingStatus: number;

beforeEach(async () => {
  model = await startPuppetModel();
  pingStatus = 404;
  receiver = await startReceiver({}, { "/new": (response) => response.writeHead(pingStatus).end() });
  versions = await startVersionPair({
    ADMIN_API_KEY: key,
    OPENAI_API_KEY: "model-key",
    OPENAI_BASE_URL: model.baseUrl,
    OPENAI_MODEL: "puppet",
    ENCRYPTION_KEY: "encryption-key-of-the-tests",
    ALLOW_PRIVATE_URLS: "1",
  });
});

afterEach(async () => {
  await versions.close();
  await receiver.close();
  await model.close();
});

async function deploy(worker: Version, objects: Version): Promise<void> {
  await versions.switchTo(worker, objects);
  model.forget();
  server = clientOf({ url: versions.url, key });
}

async function complete(thread_id: string): Promise<void> {
  await server.json("POST", `/v1/threads/${thread_id}/runs`, { message: "go", invocation_id: `of-${thread_id}` });
  const call = await model.next();
  call.text("Done.");
  call.finish();
}

const makeHook = (path: string) =>
  server.json<Hook>("POST", "/v1/webhooks", { url: `${receiver.origin}${path}`, events });

const endAt = (path: string, thread_id: string) =>
  receiver.next(
    (one) => one.path === path && one.payload.data.thread_id === thread_id && one.payload.type === "run.completed",
  );

it("a webhook of the former version gets events without a ping, one for each change of a plan", async () => {
  await deploy("former", "former");
  const { webhook_id, secret } = await makeHook("/old");
  await complete("before");
  await endAt("/old", "before");
  await deploy("current", "current");
  expect(await server.json("GET", `/v1/webhooks/${webhook_id}`)).toMatchObject({ unverified_since: null });
  await complete("after");
  verify(secret, await endAt("/old", "after"));
  const operations = [{ op: "create", section_title: "s", task_contents: ["one", "two", "three"] }];
  await server.json("PATCH", "/v1/threads/after/tasks", { operations });
  const changed = await receiver.next(({ payload }) => payload.type === "task.updated");
  expect(changed.payload.data.tasks).toHaveLength(3);
  expect(receiver.pings).toEqual([]);
});

it("a new webhook gets nothing that an object of the former version makes before it has answered", async () => {
  await deploy("current", "former");
  const { webhook_id } = await makeHook("/new");
  await complete("amid");
  const path = `/v1/webhooks/${webhook_id}`;
  const listEvents = async () => {
    const { data } = await server.json<{ data: { delivery_id: string; event: string; attempts: number }[] }>(
      "GET",
      `${path}/deliveries`,
    );
    return data.filter(({ event }) => event !== "webhook.ping");
  };
  await expect.poll(async () => (await listEvents()).length).toBe(1);
  const [made] = await listEvents();
  const job = { type: "deliver_webhook", user_id: "user_first", webhook_id, delivery_id: made?.delivery_id };
  await versions.deliver("taskloom-jobs", [job]);
  expect(await listEvents()).toMatchObject([{ event: "run.completed", attempts: 0 }]);
  expect(receiver.received).toEqual([]);
  pingStatus = 204;
  await server.json("POST", `${path}/ping`);
  await untilVerified(server.json, webhook_id);
  await versions.deliver("taskloom-jobs", [job]);
  await endAt("/new", "amid");
});
