// A thread without a title is named after its first message, whatever the message's entry point. With real objects of
// threads, read through the list of threads.
import { env } from "cloudflare:test";
import { afterEach, describe, expect, it, vi } from "vitest";
import type { Env } from "../../src/config.ts";
import { newId } from "../../src/protocol/ids.ts";
import { threadOfPlace } from "../../src/slack/run.ts";
import { readTrigger } from "../../src/store/triggers/triggers.ts";
import { fireSchedule } from "../../src/triggers/routes/fire-schedule.ts";
import { clearTriggers, deliverTo, makeHook, type Sender, signStandard } from "./hook-client.ts";
import { realUser } from "./real-client.ts";
import { connect, createSlackClient } from "./slack-client.ts";

const settings = { ENCRYPTION_KEY: "key of the tests" };
const message = "[[text ok]]\t商店 🛒\nand a cart";
const title = "[[text ok]] 商店 🛒";

afterEach(async () => {
  vi.restoreAllMocks();
  await clearTriggers();
});

const user = () => realUser(newId("user"), settings);

/** The thread in the list, after reading the thread itself, which brings D1 up to date. */
async function titleOf(from: Sender, thread_id: string): Promise<unknown> {
  const read = await from.send("GET", `/v1/threads/${thread_id}`);
  const { body } = await from.send("GET", "/v1/threads");
  const listed = body.data?.find((row) => row.thread_id === thread_id);
  expect(listed?.title).toBe(read.body.title);
  return read.body.title;
}

describe("a thread is named after its first message", () => {
  it("of a run, whether the run creates the thread or not, and not after a later message", async () => {
    const ada = await user();
    await ada.send("POST", "/v1/threads", { thread_id: "made" });
    for (const thread_id of ["new", "made"]) {
      const path = `/v1/threads/${thread_id}/runs`;
      await ada.send("POST", `${path}?wait=1`, { message });
      await ada.send("POST", `${path}?wait=1`, { message: "[[text ok]] later" });
      expect(await titleOf(ada, thread_id)).toBe(title);
    }
  });

  it("of a streamed run, of content parts, and of a background run", async () => {
    const ada = await user();
    const sse = { accept: "text/event-stream" };
    await ada.send("POST", "/v1/threads/stream/runs", { message }, sse);
    const image = { type: "image_url", image_url: { url: "https://x.example/a.png" } };
    const parts = [image, { type: "text", text: message }];
    await ada.send("POST", "/v1/threads/parts/runs?wait=1", { message: parts });
    await ada.send("POST", "/v1/threads/background/runs", { message, background: true });
    for (const thread_id of ["stream", "parts", "background"]) expect(await titleOf(ada, thread_id)).toBe(title);
    await ada.send("POST", "/v1/threads/image/runs?wait=1", { message: [image] });
    expect(await titleOf(ada, "image")).toBeNull();
  });

  it("of an AG-UI client that sends its whole history", async () => {
    const ada = await user();
    const say = (runId: string, texts: string[]) => {
      const messages = texts.map((content, place) => ({ id: `m${place}`, role: "user", content }));
      return ada.send("POST", "/ag-ui", { threadId: "ag-ui", runId, messages, tools: [], context: [] });
    };
    await say("r1", [message]);
    await say("r2", [message, "[[text ok]] later"]);
    expect(await titleOf(ada, "ag-ui")).toBe(title);
  });

  it("of a webhook's trigger, with the picked values as people read them", async () => {
    const ada = await user();
    const { trigger_id, secret } = await makeHook(ada);
    const body = '{"issue":{"title":"The shop\\nis <slow>"}}';
    const { body: answer } = await deliverTo(ada, trigger_id, body, signStandard(secret, body));
    expect(await titleOf(ada, String(answer.thread_id))).toBe("Triage The shop is <slow>.");
    const asked = await ada.send("POST", `/v1/triggers/${trigger_id}/run`, {
      payload: { issue: { title: "by hand" } },
    });
    expect(await titleOf(ada, String(asked.body.thread_id))).toBe("Triage by hand.");
  });

  it("of a schedule, without the time that it was due", async () => {
    const name = newId("user");
    const ada = await realUser(name, { ...settings, SCHEDULE_MINUTES: "1" });
    const due = new Date(Date.now() - 60_000);
    due.setUTCSeconds(0, 0);
    const schedule = {
      type: "schedule",
      cron: "* * * * *",
      timezone: "UTC",
      prompt: "\nReport on the week.\nBe short.",
    };
    const { trigger_id } = (await ada.send("POST", "/v1/triggers", schedule)).body as { trigger_id: string };
    // The trigger was created before it was due.
    await env.DB.prepare("UPDATE triggers SET created_at = '2026-01-01T00:00:00.000Z' WHERE trigger_id = ?")
      .bind(trigger_id)
      .run();
    const job = { type: "fire_schedule", user_id: name, trigger_id, due_at: due.toISOString(), attempt: 1 } as const;
    expect(await fireSchedule(job, env as unknown as Env, Date.now())).toMatchObject({ ok: true });
    const fired = await readTrigger(env.DB, name, trigger_id);
    expect(await titleOf(ada, fired?.last_thread_id ?? "")).toBe("Report on the week.");
  });

  it("from Slack, without the mention and without our notes", async () => {
    vi.spyOn(console, "warn").mockImplementation(() => {});
    const team_id = `T${newId("user").slice(-10).toUpperCase()}`;
    const slack = createSlackClient();
    await connect(slack, team_id);
    const first = {
      type: "app_mention",
      channel: "C1",
      user: "U1",
      text: "<@UBOT> [[text ok]]",
      ts: "1764000000.000100",
    };
    const files = [{ name: "a.png" }];
    await slack.event({ ...first, text: "<@UBOT>  [[text ok]]   build a shop\nnow", files }, { team_id });
    await slack.event({ ...first, text: "<@UBOT>", files, ts: "1764000001.000100" }, { team_id });
    const named = async (ts: string) => {
      const thread_id = await threadOfPlace(team_id, "C1", ts);
      return (await slack.ask("GET", `/v1/threads/${thread_id}`)).body.title;
    };
    expect(await named(first.ts)).toBe("[[text ok]] build a shop");
    expect(await named("1764000001.000100")).toBeNull();
  });
});

describe("a title that a person gave", () => {
  it("is never overwritten, and a removed title is replaced by the next message", async () => {
    const ada = await user();
    await ada.send("POST", "/v1/threads", { thread_id: "own", title: "Mine" });
    await ada.send("POST", "/v1/threads/own/runs?wait=1", { message });
    expect(await titleOf(ada, "own")).toBe("Mine");
    await ada.send("PATCH", "/v1/threads/own", { title: "Still mine" });
    await ada.send("POST", "/v1/threads/own/runs?wait=1", { message });
    expect(await titleOf(ada, "own")).toBe("Still mine");
    await ada.send("PATCH", "/v1/threads/own", { title: null });
    expect(await titleOf(ada, "own")).toBeNull();
    await ada.send("POST", "/v1/threads/own/runs?wait=1", { message });
    expect(await titleOf(ada, "own")).toBe(title);
  });
});
