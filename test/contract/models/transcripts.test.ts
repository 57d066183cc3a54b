// Recorded conversations (`npm run eval -- --record FILE` writes them): today's code still understands each reply, and
// sends the same messages back. `NAME.strict.json` was recorded beside a strict server of this laboratory. It says
// nothing of the provider, and proves that the path works, from the recording to the comparison. Only a transcript of a
// real model, `NAME.json`, proves that a later version still sends what its provider accepted.
import { readdirSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { converse, readTranscript } from "../../../dev/eval/transcript.ts";
import { models } from "../../../src/models/index.ts";
import { forgetRules } from "../../../src/models/profiles/rules.ts";

const tools = ["create_tasks", "view_tasks", "update_tasks"].map((name) => ({
  name,
  description: "",
  parameters: { type: "object" },
}));

const folder = join(import.meta.dirname, "transcripts");
const files = readdirSync(folder).filter((file) => file.endsWith(".json"));

describe.each(files)("the transcript %s", (file) => {
  it("is named for what made it", async () => {
    const { made } = await readTranscript(join(folder, file));
    expect(file.endsWith(".strict.json")).toBe(made === "by a strict server");
  });

  it("is understood, and what goes back is what was sent then", async () => {
    forgetRules();
    const { base_url, model, profile, exchanges } = await readTranscript(join(folder, file));
    const sent: unknown[] = [];
    const left = [...exchanges];
    const replay: typeof fetch = async (_input, init) => {
      const { messages, input = [] } = JSON.parse(String(init?.body)) as Record<string, { role: string }[]>;
      sent.push((messages ?? input).filter(({ role }) => role !== "system"));
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
