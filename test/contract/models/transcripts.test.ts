// Transcripts of conversations that providers accepted (`npm run eval -- --record FILE` writes them): today's code still
// understands each reply, and sends the messages back as they were accepted.
import { readdirSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { converse, readTranscript } from "../../../dev/eval/transcript.ts";
import { models } from "../../../src/models/index.ts";
import { forgetRules } from "../../../src/models/profiles/memory.ts";

const tools = ["create_tasks", "view_tasks", "update_tasks"].map((name) => ({
  name,
  description: "",
  parameters: { type: "object" },
}));

const folder = join(import.meta.dirname, "transcripts");
const files = readdirSync(folder).filter((file) => file.endsWith(".json"));

describe.each(files)("the transcript %s", (file) => {
  it("is understood, and what goes back is what was accepted", async () => {
    forgetRules();
    const { base_url, model, profile, exchanges } = await readTranscript(join(folder, file));
    const sent: unknown[] = [];
    const left = [...exchanges];
    const replay: typeof fetch = async (_input, init) => {
      const { messages } = JSON.parse(String(init?.body)) as { messages: { role: string }[] };
      sent.push(messages.filter(({ role }) => role !== "system"));
      const next = left.shift();
      if (!next) throw new Error("more was asked than in the transcript");
      return new Response(next.body, { status: next.status, headers: { "content-type": next.content_type } });
    };
    const conversation = await converse(
      {
        model: models.native({ api_key: "key", base_url, profile, fetch: replay }),
        name: model,
        system: "s",
        tools,
      },
      new AbortController().signal,
    );
    expect(left).toEqual([]);
    expect(sent).toEqual(exchanges.map(({ request }) => request.messages));
    expect(conversation.at(-1)).toMatchObject({ role: "assistant", content: expect.stringMatching(/\S/) });
  });
});
