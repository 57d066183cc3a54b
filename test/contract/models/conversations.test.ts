// Whole conversations, for each declared provider.
import { describe, expect, it } from "vitest";
import { buildShop, Conversation, openSeat, play } from "./conversation.ts";
import { deepseek } from "./providers/deepseek.ts";

const providers = [deepseek];

describe.each(providers.map((provider) => [provider.profile, provider] as const))("%s", (_name, provider) => {
  it("plans, works with three tools at once, survives a broken reply, and finishes", async () => {
    const seat = openSeat(provider, play(...buildShop("CANARY")));
    const conversation = new Conversation([seat]);
    expect(await conversation.say("build me a shop", seat.model)).toMatchObject({
      status: "completed",
      text: "The shop is ready.",
    });
    expect(seat.server.refused).toEqual([]);
    expect(conversation.plan.map(({ status }) => status)).toEqual(["completed", "completed"]);
    expect(conversation.worked.sort()).toEqual([1, 2, 3, 4]);
  });
});
