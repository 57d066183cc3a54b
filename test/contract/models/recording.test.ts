// `npm run eval -- --record` beside a strict server: the transcript has what the laboratory needs, and no secret.
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, it } from "vitest";
import { readArguments } from "../../../dev/eval/arguments.ts";
import { evaluate } from "../../../dev/eval/evaluate.ts";
import { readTranscript } from "../../../dev/eval/transcript.ts";
import { kimi } from "./providers/kimi.ts";
import { openStrictServer } from "./server.ts";
import { listen } from "./tcp.ts";
import type { PlannedReply } from "./wire.ts";

const KEY = "key-that-nobody-may-read-0123456789";
const conversation: PlannedReply[] = [
  {
    reasoning: "I plan.",
    calls: [{ name: "create_tasks", arguments: { sections: [{ title: "Shop", tasks: ["Page", "Check"] }] } }],
  },
  { reasoning: "I look.", calls: [{ name: "view_tasks", arguments: {} }] },
  { reasoning: "Done.", text: "I am ready." },
];

it("writes a transcript of a conversation, without the key and without the prompt", async () => {
  const folder = await mkdtemp(join(tmpdir(), "taskloom-record-"));
  const strict = openStrictServer(kimi, ({ messages }) => {
    const isConversation = JSON.stringify(messages.at(1)).includes("Plan a small online shop");
    const step = messages.filter(({ role }) => role === "assistant").length;
    return (isConversation ? conversation[step] : undefined) ?? { text: "Hi." };
  });
  const { base_url, close } = await listen(new Map([[kimi.model, strict]]));
  try {
    const path = join(folder, "kimi.json");
    const settings = { OPENAI_API_KEY: KEY, OPENAI_BASE_URL: base_url, OPENAI_MODEL: kimi.model };
    const options = readArguments(["--only", "small-talk-1", "--threshold", "0", "--record", path]);
    await evaluate(options, { settings, print: () => {}, signal: new AbortController().signal });
    const written = await readFile(join(folder, "kimi.wire.json"), "utf8");
    expect(written).not.toContain(KEY);
    expect(written).not.toContain("You are Taskloom");
    const { exchanges, made, model } = await readTranscript(join(folder, "kimi.wire.json"));
    expect({ made, model, statuses: exchanges.map(({ status }) => status) }).toEqual({
      made: "by a strict server",
      model: kimi.model,
      statuses: [200, 200, 200],
    });
    expect(exchanges[2]?.request.messages.map(({ role }) => role)).toEqual([
      "user",
      "assistant",
      "tool",
      "assistant",
      "tool",
    ]);
    expect(JSON.stringify(exchanges[2]?.request.messages)).toContain("I look.");
    expect(exchanges[0]?.body).toContain("data: ");
  } finally {
    await close();
    await rm(folder, { recursive: true, force: true });
  }
});
