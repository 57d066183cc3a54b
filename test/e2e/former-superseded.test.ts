// Superseded messages beside the former version, which knows none: it leaves them out of what models read, and its
// objects refuse what it can't do.
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { clientOf } from "../setup/server-client.ts";
import { startVersionPair, type Version, type VersionPair } from "../setup/version-pair.ts";
import { type PuppetModel, startPuppetModel } from "./puppet-model.ts";
import { actOn, type RunsActor } from "./runs-client.ts";

const key = "first-key-of-the-tests";

let model: PuppetModel;
let versions: VersionPair;
let runs: RunsActor;

beforeEach(async () => {
  model = await startPuppetModel();
  versions = await startVersionPair({
    ADMIN_API_KEY: key,
    OPENAI_API_KEY: "model-key",
    OPENAI_BASE_URL: model.baseUrl,
    OPENAI_MODEL: "puppet",
    ENCRYPTION_KEY: "encryption-key-of-the-tests",
  });
});
afterEach(async () => {
  await versions.close();
  await model.close();
});

async function deploy(worker: Version, objects: Version): Promise<void> {
  await versions.switchTo(worker, objects);
  model.forget();
  runs = actOn({ url: versions.url, key, hasFormerObjects: true, ...clientOf({ url: versions.url, key }) }, model);
}

/** Sends it and answers it; returns what the model read. */
async function play(
  path: string,
  body: { invocation_id: string; message?: string; message_id?: string },
  reply: string,
) {
  expect(await runs.post(path, body)).toMatchObject({ status: 202 });
  const call = await runs.say(reply);
  await runs.eventsOf("t", body.invocation_id);
  return call.messages.filter(({ role }) => role !== "system").map(({ content }) => content);
}

const texts = async () =>
  (await runs.listMessages("t", "user,assistant")).map(({ content }) => (content as { content: unknown }).content);

describe("a thread with superseded messages", () => {
  it("continues in the former version without them, and in this one again", async () => {
    await deploy("current", "current");
    await play("t/runs", { message: "first", message_id: "m1", invocation_id: "r1" }, "one");
    await play("t/messages/m1/edit", { message: "other", message_id: "m2", invocation_id: "r2" }, "two");
    await deploy("former", "former");
    expect(await texts()).toEqual(["other", "two"]);
    expect(await play("t/runs", { message: "second", invocation_id: "r3" }, "three")).toEqual([
      "other",
      "two",
      "second",
    ]);
    await deploy("current", "current");
    expect(await texts()).toEqual(["other", "two", "second", "three"]);
    expect(await play("t/messages/m2/regenerate", { invocation_id: "r4" }, "four")).toEqual(["other"]);
    expect(await texts()).toEqual(["other", "four"]);
  });

  it("is not made by an object of the former version, which refuses it and keeps all", async () => {
    await deploy("former", "former");
    await play("t/runs", { message: "first", message_id: "m1", invocation_id: "r1" }, "one");
    await deploy("current", "former");
    for (const [act, body] of [
      ["edit", { message: "other" }],
      ["regenerate", {}],
    ] as const) {
      expect(await runs.post(`t/messages/m1/${act}`, body)).toMatchObject({
        status: 400,
        body: { code: "empty_message" },
      });
    }
    expect(await texts()).toEqual(["first", "one"]);
    // The rows of the former version can be superseded.
    await deploy("current", "current");
    expect(await play("t/messages/m1/regenerate", { invocation_id: "r2" }, "two")).toEqual(["first"]);
    expect(await texts()).toEqual(["first", "two"]);
  });
});
