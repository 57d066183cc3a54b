import { setImmediate } from "node:timers/promises";
import { describe, expect, it } from "vitest";
import { call, say } from "../../../test/fakes/replies.ts";
import { noSettings } from "../../../test/fakes/settings.ts";
import { place, SlackChannel } from "../../../test/fakes/slack-channel.ts";
import { FakeThread, type FakeThreadOptions } from "../../../test/fakes/thread.ts";
import { createTools } from "../../tools/index.ts";
import { ensureRunning } from "../run/run.ts";
import { ensureFollowing } from "./followers.ts";

const tools = createTools(noSettings).filter(({ name }) =>
  ["create_tasks", "update_tasks", "complete", "ask"].includes(name),
);
const shop = { id: "c1", name: "create_tasks", input: { section_title: "Shop", task_contents: ["Build it"] } };

/** Turns the event loop until the condition holds. If it never does, the test's timeout fails the test. */
async function until(isSo: () => boolean): Promise<void> {
  while (!isSo()) await setImmediate();
}

describe("a life that ends while a run is shown", () => {
  const pieces = Array.from({ length: 12 }, (_, place) => `word${place} `);
  const script = () => [call(shop), say("First. ", "Second."), ...Array.from({ length: 30 }, () => say(...pieces))];

  async function showWith(dies: (count: number) => boolean, lose: (count: number) => boolean) {
    let transactions = 0;
    let calls = 0;
    const channel = new SlackChannel();
    const options: FakeThreadOptions = {
      defaultReply: say(...pieces),
      replies: script(),
      dies: (when) => when === "after" && dies(++transactions),
      callSlack: async (method, fields) => {
        const answer = channel.do(method, fields);
        // The call is carried out, and its life ends before the answer.
        if (lose(++calls)) thread.crash();
        return answer;
      },
    };
    const thread = new FakeThread({ tools, ...options });
    await thread.accept("build", { follow: place }).catch(() => {});
    for (let lives = 0; lives < 40; lives++) {
      await until(
        () => !thread.isAlive || (thread.life.followers.size === 0 && thread.life.live.size === 0) || isIdle(thread),
      );
      if (thread.isAlive && thread.life.followers.size === 0 && thread.life.live.size === 0) break;
      if (!thread.isAlive) thread.crash();
      ensureRunning(thread.life);
      ensureFollowing(thread.life);
    }
    return { thread, channel, transactions, calls };
  }

  function isIdle({ life }: FakeThread): boolean {
    return life.active === null || [...life.followers.values()].some(({ isActive }) => !isActive);
  }

  function textsOf({ life }: FakeThread): string {
    const rows = life.database.sql
      .exec<{ content: string }>("SELECT content FROM messages WHERE type = 'assistant' ORDER BY seq")
      .toArray();
    return rows
      .map(({ content }) => (JSON.parse(content) as { content: string | null }).content?.trim() ?? "")
      .filter((text) => text !== "")
      .join("\n\n");
  }

  it("is followed by one that continues the same message, after each transaction, with every word once", async () => {
    const whole = await showWith(
      () => false,
      () => false,
    );
    expect(whole.channel.messages).toHaveLength(1);
    expect(whole.channel.said).toContain("First. Second.");
    for (let death = 2; death <= whole.transactions; death++) {
      const { thread, channel } = await showWith(
        (count) => count === death,
        () => false,
      );
      const said = channel.said.replace(/\n*\*\*Shop[\s\S]*/, "");
      expect(said, `death ${death}`).toBe(textsOf(thread));
      expect(channel.messages.length, `death ${death}`).toBe(1);
    }
  });

  it("is followed by one that continues the same message if the answer of a call was lost", async () => {
    const whole = await showWith(
      () => false,
      () => false,
    );
    for (let loss = 1; loss <= whole.calls; loss++) {
      const { thread, channel } = await showWith(
        () => false,
        (count) => count === loss,
      );
      const said = channel.said.replace(/\n*\*\*Shop[\s\S]*/, "");
      expect(said, `loss ${loss}`).toBe(textsOf(thread));
      expect(channel.messages.length, `loss ${loss}`).toBe(1);
    }
  });
});
