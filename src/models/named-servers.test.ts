// What differs at a server that MODEL_SERVERS names, from the setting to the wire.
import { describe, expect, it } from "vitest";
import { completed, reasoning } from "../../test/fakes/responses-events.ts";
import type { ModelMessage } from "../agent/model.ts";
import { readModelSettings } from "../config/models.ts";
import { createModels } from "./index.ts";
import { forgetRules } from "./profiles/rules.ts";

const refused = () =>
  new Response(JSON.stringify({ error: { message: "no such key at https://api.acme.example/keys" } }), { status: 401 });

async function ask(model: string, entry: Record<string, unknown> = {}) {
  const requests: Headers[] = [];
  const settings = readModelSettings({
    OPENAI_API_KEY: "sk-default-0123456789",
    MODEL_SERVERS: JSON.stringify({ acme: { base_url: "https://api.acme.example/v1", ...entry } }),
  });
  const native = createModels(settings, {
    fetch: async (_url, init) => {
      requests.push(new Headers(init?.headers));
      return refused();
    },
  }).native();
  const request = { model, messages: [{ role: "user" as const, content: "hi" }], tools: [] };
  const outcome = await native.stream(request, () => {}, new AbortController().signal);
  return { requests, said: outcome.kind === "failure" ? outcome.failure.message : "" };
}

describe("a server in MODEL_SERVERS", () => {
  it("without a key gets none, also not the default server's", async () => {
    const { requests } = await ask("acme/m");
    expect([...(requests[0] ?? [])].map(([name, value]) => `${name}: ${value}`).join("\n")).not.toMatch(
      /auth|key|none/i,
    );
  });

  it("gets its own key and headers, and the default server gets neither", async () => {
    const entry = { key: "sk-acme-0123456789", headers: { "x-title": "Taskloom" } };
    const [acme, own] = await Promise.all([ask("acme/m", entry), ask("gpt-5", entry)]);
    const sent = ({ requests }: typeof acme) => ["authorization", "x-title"].map((name) => requests[0]?.get(name));
    expect(sent(acme)).toEqual(["Bearer sk-acme-0123456789", "Taskloom"]);
    expect(sent(own)).toEqual(["Bearer sk-default-0123456789", null]);
  });

  it("is blamed by its own setting, without its name or address", async () => {
    const { said } = await ask("acme/m", { key: "sk-acme-0123456789" });
    expect(said).toContain("Check its key in MODEL_SERVERS");
    expect(said).not.toMatch(/acme|OPENAI/);
    expect((await ask("gpt-5")).said).toContain("Check OPENAI_API_KEY");
  });
});

describe("two servers at one address", () => {
  const address = "https://gateway.example/v1";
  const MODEL_SERVERS = JSON.stringify({
    one: { base_url: address, key: "sk-account-one", provider: "openai" },
    two: { base_url: address, key: "sk-account-two", provider: "openai" },
  });

  /** `answer` gets the account and the operation. */
  function open(answer: (account: string, operation: string) => Response) {
    const requests: { account: string; operation: string; body: string }[] = [];
    const native = createModels(readModelSettings({ MODEL_SERVERS }), {
      fetch: async (url, init) => {
        const account = new Headers(init?.headers).get("authorization")?.replace("Bearer sk-account-", "") ?? "";
        const operation = String(url).replace(address, "");
        requests.push({ account, operation, body: String(init?.body) });
        return answer(account, operation);
      },
    }).native();
    const say = (model: string, messages: ModelMessage[]) =>
      native.stream({ model, messages, tools: [] }, () => {}, new AbortController().signal);
    return { requests, say };
  }

  const done = (account: string) =>
    new Response(
      [
        { type: "response.output_item.done", output_index: 0, item: reasoning(`rs_${account}`, `gAAA.${account}`) },
        { type: "response.output_text.delta", output_index: 1, delta: "Yes." },
        completed(),
      ]
        .map((event) => `data: ${JSON.stringify(event)}\n\n`)
        .join(""),
      { headers: { "content-type": "text/event-stream" } },
    );

  it("are two accounts: neither gets what the other has encrypted", async () => {
    const { requests, say } = open(done);
    const messages: ModelMessage[] = [{ role: "user", content: "hi" }];
    for (const model of ["one/gpt-6.1", "two/gpt-6.1", "one/gpt-6.1"]) {
      const outcome = await say(model, messages);
      const extras = outcome.kind === "reply" && outcome.reply.extras ? { extras: outcome.reply.extras } : {};
      messages.push({ role: "assistant", content: "Yes.", ...extras }, { role: "user", content: "And?" });
    }
    const sent = requests.map(({ account, body }) => [account, body.match(/gAAA\.\w+/g)]);
    expect(sent).toEqual([
      ["one", null],
      ["two", null],
      ["one", ["gAAA.one"]],
    ]);
  });

  it("are learned of apart, so that neither changes how the other is asked", async () => {
    forgetRules();
    const { requests, say } = open((account, operation) => {
      if (account === "one") return operation === "/responses" ? done(account) : refusal("use /v1/responses", 400);
      return operation === "/responses" ? refusal("missing scopes: api.responses.write", 401) : chat();
    });
    for (const model of ["one/gpt-6.1", "two/gpt-6.1", "one/gpt-6.1", "two/gpt-6.1"]) {
      await say(model, [{ role: "user", content: "hi" }]);
    }
    const asked = requests.map(({ account, operation }) => account + operation);
    const first = ["one/responses", "two/responses", "two/chat/completions"];
    expect(asked).toEqual([...first, "one/responses", "two/chat/completions"]);
  });

  const refusal = (message: string, status: number) =>
    new Response(JSON.stringify({ error: { message } }), { status, headers: { "content-type": "application/json" } });
  const chat = () =>
    new Response(JSON.stringify({ choices: [{ message: { content: "Yes." }, finish_reason: "stop" }] }), {
      headers: { "content-type": "application/json" },
    });
});
