// The question for more is in the language of the conversation, so that Slack's buttons are, too.
import { describe, expect, it } from "vitest";
import { cappedThread, counted, looks, runOf } from "../../../test/fakes/counted-thread.ts";
import { askQuestions } from "../../slack/show/questions.ts";

const agent = { on_cap: "ask", max_total_tokens: 20_000 } as const;

async function ask(message: string, replies = [looks("c1", counted({ output_tokens: 16_000 }))]) {
  const thread = cappedThread(replies, { agent });
  await thread.run(message, { invocation_id: "inv_a" });
  const { interrupts, ...run } = runOf(thread);
  const shown = JSON.stringify(askQuestions({ ...run, interrupts, web_url: null }).blocks);
  return { message: interrupts[0]?.message, shown };
}

describe("a run that asks for more", () => {
  it("asks a Chinese conversation in Chinese", async () => {
    const { message, shown } = await ask("调研一下 GPU 的价格");
    expect(message).toBe(
      "该智能体每次运行的上限（20,000 token）所剩的额度不够下一次调用模型。要提高上限到 40,000 token 并继续吗？",
    );
    expect(shown).toContain("提高上限并继续");
    expect(shown).not.toContain("Go on");
  });

  it("asks any other in English", async () => {
    const { message, shown } = await ask("What does a GPU cost?");
    expect(message).toBe(
      "The cap of 20,000 tokens for a run of this agent leaves too little for the next model call. Raise it to 40,000 tokens and go on?",
    );
    expect(shown).toContain("Raise it and go on");
  });
});
