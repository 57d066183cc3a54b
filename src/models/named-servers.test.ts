// What differs at a server that MODEL_SERVERS names, from the setting to the wire.
import { describe, expect, it } from "vitest";
import { readModelSettings } from "../config/models.ts";
import { createModels } from "./index.ts";

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
