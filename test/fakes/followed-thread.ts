// A thread that is mirrored in Slack.
import { setImmediate } from "node:timers/promises";
import { createTools } from "../../src/tools/index.ts";
import { type Reply, reply } from "./replies.ts";
import { noSettings } from "./settings.ts";
import { SlackChannel } from "./slack-channel.ts";
import { FakeThread, type FakeThreadOptions } from "./thread.ts";

const tools = createTools(noSettings).filter(({ name }) =>
  ["create_tasks", "update_tasks", "complete", "ask"].includes(name),
);

export function followed(options: FakeThreadOptions, channel = new SlackChannel()) {
  const thread = new FakeThread({ tools, callSlack: async (method, fields) => channel.do(method, fields), ...options });
  return { thread, channel };
}

/** Turns the event loop until the condition holds. If it never does, the test's timeout fails the test. */
export async function until(isSo: () => boolean): Promise<void> {
  while (!isSo()) await setImmediate();
}

/** A reply that ends when the test calls `end`. */
export function endless(text: string) {
  const gate = Promise.withResolvers<void>();
  const pending: Reply = async (_request, onDelta) => {
    onDelta({ type: "text", text });
    await gate.promise;
    return reply({ text });
  };
  return { pending, end: () => gate.resolve() };
}

export const shop = { id: "c1", name: "create_tasks", input: { section_title: "Shop", task_contents: ["Build it"] } };
