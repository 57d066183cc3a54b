// Images count for much more than an estimate of text would say. What is reserved for one is the most that its model's
// provider counts, so that no cap is passed.
import { describe, expect, it } from "vitest";
import { cappedThread, counted, looks, runOf, says } from "../../../test/fakes/counted-thread.ts";
import type { ContentPart } from "../../protocol/message.ts";
import { findRun } from "../life.ts";
import { settledOf } from "../usage/account.ts";
import { accountOf } from "../usage/record.ts";

const url = "https://pictures.example/large.png";
const content: ContentPart[] = [
  { type: "text", text: "What is this?" },
  { type: "image_url", image_url: { url } },
];
/** What OpenAI counts for a large picture, and the text beside it. */
const shown = counted({ input_tokens: 48_169 + 3_000 });

function ask(replies: ReturnType<typeof says>[], max_total_tokens: number) {
  const thread = cappedThread(replies, { agent: { model: "gpt-4o-mini", max_total_tokens } });
  return thread.run("", { invocation_id: "inv_a", messages: [{ message_id: "m", content }] }).then(() => thread);
}

describe("a picture under a cap in tokens", () => {
  it("is not sent where its provider may count more than is left", async () => {
    const thread = await ask([says("A cat.", shown)], 40_000);
    expect(thread.requests).toHaveLength(0);
    expect(runOf(thread)).toMatchObject({ status: "failed", error: { code: "budget" } });
  });

  it("is counted again with each call, and the cap is not passed", async () => {
    const cap = 200_000;
    const thread = await ask([looks("c1", shown), looks("c2", shown), looks("c3", shown), looks("c4", shown)], cap);
    expect(thread.requests.length).toBeGreaterThan(1);
    expect(runOf(thread)).toMatchObject({ status: "failed", error: { code: "budget" } });
    const record = findRun(thread.life, "inv_a");
    expect(record && settledOf(accountOf(record)).tokens).toBeLessThanOrEqual(cap);
  });
});
