// Addresses of images at every entry point of messages, with real objects of threads, and what the model's server gets.
import { env, runInDurableObject } from "cloudflare:test";
import { afterEach, describe, expect, it, vi } from "vitest";
import type { Env } from "../../src/config.ts";
import { newId } from "../../src/protocol/ids.ts";
import type { RunInput, ThreadKey } from "../../src/protocol/thread.ts";
import { ThreadObject } from "../../src/thread/object.ts";
import { killObject, objectOf } from "./faulty-object.ts";
import type { Sender } from "./hook-client.ts";
import { hostileAddresses } from "./hostile-addresses.ts";
import type { Answer } from "./http-client.ts";
import { realClient, realUser } from "./real-client.ts";
import { recordModel } from "./recorded-model.ts";
import { readUntil, threadClient } from "./thread-client.ts";

const RUNS = "/v1/threads/thread-001/runs";
const METADATA = "http://169.254.169.254/?token=canary";
const GOOD = "https://good.example/a.png";
const LEFT_OUT = "[an image is left out here: its address is not permitted]";

afterEach(() => void vi.restoreAllMocks());

const text = (words: string) => ({ type: "text", text: words });
const imageSource = (value: string) => ({ type: "image", source: { type: "url", value } });
const imagePart = (url: string) => ({ type: "image_url", image_url: { url } });
const agUi = (threadId: string, content: unknown, runId = newId("inv")) => ({
  threadId,
  runId,
  messages: [{ id: newId("msg"), role: "user", content }],
  tools: [],
  context: [],
});

/** Each sends a message with the image as its second part to a thread of the user. */
const entryPoints: Record<string, (user: Sender, thread_id: string, url: string) => Promise<Answer>> = {
  "a run": (user, thread_id, url) =>
    user.send("POST", `/v1/threads/${thread_id}/runs`, { message: [text("[[text ok]]"), imagePart(url)] }),
  "a run that is streamed": (user, thread_id, url) =>
    user.send(
      "POST",
      `/v1/threads/${thread_id}/runs`,
      { message: [text("[[text ok]]"), imagePart(url)] },
      { accept: "text/event-stream" },
    ),
  "a run in the background": (user, thread_id, url) =>
    user.send("POST", `/v1/threads/${thread_id}/runs`, {
      message: [text("[[text ok]]"), imagePart(url)],
      background: true,
    }),
  "AG-UI as a source": (user, thread_id, value) =>
    user.send(
      "POST",
      "/ag-ui",
      agUi(thread_id, [text("[[text ok]]"), { type: "image", source: { type: "url", value } }]),
    ),
  "AG-UI as binary": (user, thread_id, url) =>
    user.send(
      "POST",
      "/ag-ui/agent_default",
      agUi(thread_id, [text("[[text ok]]"), { type: "binary", mimeType: "image/png", url }]),
    ),
  "AG-UI as binary with data too": (user, thread_id, url) =>
    user.send(
      "POST",
      "/ag-ui",
      agUi(thread_id, [text("[[text ok]]"), { type: "binary", mimeType: "image/png", url, data: "AA==" }]),
    ),
};

/** The thread's object with other settings, on its real storage. */
function withSettings<T>(
  key: ThreadKey,
  settings: Partial<Env>,
  use: (object: ThreadObject) => Promise<T>,
): Promise<T> {
  return runInDurableObject(objectOf(key), async (_instance, state) =>
    use(new ThreadObject(state, { ...(env as Env), ...settings })),
  );
}

describe("an image's address", () => {
  for (const [entryPoint, say] of Object.entries(entryPoints)) {
    it(`that is not public is refused by ${entryPoint}, and nothing of it is stored, sent or logged`, async () => {
      const requests = recordModel();
      const logged = vi.spyOn(console, "warn").mockImplementation(() => {});
      const user = await realUser(newId("user"));
      const accepted: string[] = [];
      for (const [what, address, why] of hostileAddresses) {
        const answer = await say(user, "thread-001", address);
        if (answer.status !== 400) accepted.push(what);
        else {
          expect(answer.body, what).toMatchObject({ code: "invalid_field", detail: expect.stringMatching(why) });
          expect(answer.body.detail, what).toMatch(
            /^message\[1\]\.image_url\.url: |^messages\[msg_\w+\]\.content\[1\]: /,
          );
          expect(answer.text, what).not.toContain("canary");
        }
      }
      expect(accepted).toEqual([]);
      expect((await user.send("GET", "/v1/threads/thread-001")).status).toBe(404);
      expect(requests).toEqual([]);
      expect(JSON.stringify(logged.mock.calls)).not.toContain("canary");
    });
  }

  it("that is not public is refused in a message that steers, replaces, waits or answers a question", async () => {
    vi.spyOn(console, "warn").mockImplementation(() => {});
    const user_id = newId("user");
    const user = await realUser(user_id);
    const thread = threadClient(user_id, "thread-001");
    const message = [text("[[text ok]]"), imagePart(METADATA)];
    const busy = await thread.post("[[pace 40]] [[say 400]]", { invocation_id: "inv_a" });
    await readUntil(busy, (events) => events.includes("word "));
    for (const on_busy of ["steer", "replace", "enqueue"]) {
      const refused = await user.send("POST", RUNS, { message, on_busy });
      expect(refused, on_busy).toMatchObject({ status: 400, body: { code: "invalid_field" } });
    }
    expect((await user.send("GET", "/v1/threads/thread-001/inbox")).body.data).toEqual([]);
    expect((await user.send("GET", `${RUNS}/inv_a`)).body.status).toBe("running");
    await user.send("POST", `${RUNS}/inv_a/cancel`);
    const question = '[[tool ask {"question": "which?"}]]';
    const asked = await user.send("POST", `${RUNS}?wait=1`, { message: question, invocation_id: "inv_q" });
    expect(asked.body.status).toBe("interrupted");
    expect((await user.send("POST", RUNS, { message })).status).toBe(400);
    expect((await user.send("GET", `${RUNS}/inv_q`)).body).toMatchObject({ status: "interrupted" });
    const answer = { message: [text("blue"), imagePart(GOOD)], invocation_id: "inv_r" };
    expect((await user.send("POST", `${RUNS}?wait=1`, answer)).body.resumes).toBe("inv_q");
  });

  it("that is public or a data: address is sent as it was parsed, and stored and repeated as it came", async () => {
    const requests = recordModel();
    const user = await realUser(newId("user"));
    const data = `data:image/png;base64,${"A".repeat(500_000)}`;
    const odd = " HTTPS:\\\\Good.Example\\a b.png";
    const message = [text("[[text ok]]"), imagePart(odd), imagePart(data), imagePart(GOOD)];
    const body = { message, invocation_id: "inv_a" };
    const first = await user.send("POST", `${RUNS}?wait=1`, body);
    expect(first.body.status).toBe("completed");
    const again = await user.send("POST", RUNS, body);
    expect([again.status, again.body.created_at]).toEqual([202, first.body.created_at]);
    const rows = (await user.send("GET", "/v1/threads/thread-001/messages?type=user")).body.data;
    expect(rows?.map(({ content }) => content)).toEqual([{ role: "user", content: message }]);
    expect(requests).toHaveLength(1);
    expect(requests[0]?.find(({ role }) => role === "user")?.content).toEqual([
      message[0],
      imagePart("https://good.example/a%20b.png"),
      imagePart(data),
      imagePart(GOOD),
    ]);
  });

  it("can't be made from AG-UI's data", async () => {
    const requests = recordModel();
    const user = await realUser(newId("user"));
    const content = [
      text("[[text ok]]"),
      { type: "image", source: { type: "data", value: "@169.254.169.254/", mimeType: "http://good.example" } },
      { type: "binary", mimeType: "image/png\\@169.254.169.254/", data: "AA==" },
    ];
    const sent = [
      text("[[text ok]]"),
      imagePart("data:http://good.example;base64,@169.254.169.254/"),
      imagePart("data:image/png\\@169.254.169.254/;base64,AA=="),
    ];
    expect((await user.send("POST", "/ag-ui", agUi("thread-001", content))).status).toBe(200);
    expect(requests[0]?.find(({ role }) => role === "user")?.content).toEqual(sent);
  });

  it("in a tool's result stays text, for a server's or a client's tool", async () => {
    const requests = recordModel();
    const user = await realUser(newId("user"));
    const trick = JSON.stringify([imagePart(METADATA)]);
    const command = JSON.stringify({ command: `echo '${trick}'` });
    const tools = [{ name: "look", description: "Looks.", parameters: { type: "object" } }];
    const asked = { id: "u1", role: "user", content: `[[tool execute_command ${command}]] [[then]] [[tool look {}]]` };
    const body = { ...agUi("thread-001", ""), tools, messages: [asked] };
    const first = await user.send("POST", "/ag-ui", body);
    const [, id] = /"toolCallId":"([^"]+)","toolCallName":"look"/.exec(first.text) ?? [];
    const shown = [{ type: "text", text: trick }, imagePart(METADATA), { type: "image", source: { value: METADATA } }];
    const result = { id: "t1", role: "tool", toolCallId: id, content: shown };
    await user.send("POST", "/ag-ui", { ...body, runId: newId("inv"), messages: [asked, result] });
    const results = requests.at(-1)?.filter(({ role }) => role === "tool") ?? [];
    expect(results.map(({ content }) => typeof content)).toEqual(["string", "string"]);
    for (const { content } of results) expect(content).toContain(trick);
  });
});

describe("an image whose address is no longer permitted", () => {
  it("is left out of the model's request, and neither changes its row nor locks its client out", async () => {
    const requests = recordModel();
    const user_id = newId("user");
    const user = await realUser(user_id);
    const history = [{ id: "u1", role: "user", content: [text("[[text ok]]"), imageSource(GOOD)] }];
    const send = (messages: unknown[]) => user.send("POST", "/ag-ui", { ...agUi("thread-001", ""), messages });
    await send(history);
    const key = { user_id, thread_id: "thread-001" };
    // As ALLOW_PRIVATE_URLS let it be stored.
    await runInDurableObject(objectOf(key), (_instance, state) => {
      state.storage.sql.exec("UPDATE messages SET content = replace(content, ?, ?)", GOOD, METADATA);
    });
    await killObject(key);
    const old = [{ id: "u1", role: "user", content: [text("[[text ok]]"), imageSource(METADATA)] }];
    const next = { id: "u2", role: "user", content: "[[tool view_tasks {}]]" };
    expect((await send([...old, next])).status).toBe(200);
    const seen = requests.slice(1);
    expect(seen).toHaveLength(2);
    const [first, second] = seen.map((messages) => JSON.stringify(messages.slice(0, 4)));
    expect(second).toBe(first);
    expect(seen[0]?.[1]?.content).toEqual([text("[[text ok]]"), text(LEFT_OUT)]);
    const row = await runInDurableObject(objectOf(key), (_instance, state) =>
      state.storage.sql.exec<{ content: string }>("SELECT content FROM messages ORDER BY seq LIMIT 1").one(),
    );
    const stored = { role: "user", content: [text("[[text ok]]"), imagePart(METADATA)] };
    expect(JSON.parse(row.content)).toEqual(stored);
  });
});

describe("the settings of an object", () => {
  const message = (url: string, id: string) => ({
    invocation_id: id,
    messages: [{ message_id: `msg_${id}`, content: [imagePart(url)] }] as RunInput["messages"],
  });

  it("permit private addresses with ALLOW_PRIVATE_URLS, and nothing else", async () => {
    const client = threadClient();
    await withSettings(client.key, { ALLOW_PRIVATE_URLS: "1" }, async (object) => {
      for (const [place, url] of ["http://169.254.169.254/a.png", "http://minio:9000/a.png"].entries()) {
        expect(await object.accept(client.input("", message(url, `inv_${place}`)))).toMatchObject({ ok: true });
      }
      for (const url of [
        "file:///etc/passwd",
        "gopher://a.example/",
        "ftp://10.0.0.1/",
        "a.png",
        "http://a:b@minio/",
      ]) {
        expect(await object.accept(client.input("", message(url, "inv_x"))), url).toMatchObject({ ok: false });
      }
    });
  });

  it("permit only images themselves with IMAGE_URLS=data, and say what to do", async () => {
    const client = threadClient();
    await withSettings(client.key, { IMAGE_URLS: "data", ALLOW_PRIVATE_URLS: "1" }, async (object) => {
      for (const url of [GOOD, "http://10.0.0.1/a.png", METADATA]) {
        const refused = await object.accept(client.input("", message(url, "inv_x")));
        expect(refused).toMatchObject({
          error: {
            code: "invalid_field",
            detail: expect.stringMatching(/must be a data: address.*send the image itself/),
          },
        });
      }
      expect(await object.accept(client.input("", message("data:,", "inv_a")))).toMatchObject({ ok: true });
    });
  });

  it("are refused if their values are unknown", async () => {
    const client = threadClient();
    const opened = withSettings(client.key, { IMAGE_URLS: "none" }, async () => {});
    await expect(opened).rejects.toThrow('IMAGE_URLS must be "public" or "data"');
    vi.spyOn(console, "error").mockImplementation(() => {});
    const answer = await realClient({ IMAGE_URLS: "none" }).send("GET", "/healthz");
    expect(answer).toMatchObject({ status: 500, body: { code: "internal" } });
  });
});
