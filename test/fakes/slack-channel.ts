// A Slack thread in memory, as far as a follower's calls need it. It keeps the exact text, so that a missing or doubled
// word is noticed.
import type { SlackPlace } from "../../src/protocol/slack.ts";
import type { SlackAnswer } from "../../src/slack/api.ts";

export const place: SlackPlace = {
  kind: "slack",
  team_id: "T1",
  channel: "C1",
  thread_ts: "1700000000.000100",
  recipient_user_id: "U1",
  recipient_team_id: "T1",
  newest_ts: "1700000000.000100",
  origin: "https://taskloom.test",
};
export interface ChannelMessage {
  ts: string;
  text: string;
  tasks: Record<string, string>;
  streaming: boolean;
  blocks: { type: string; text?: unknown }[];
}

/** A Slack thread, as far as our calls need it. */
export class SlackChannel {
  readonly messages: ChannelMessage[] = [];
  streamsRefused = false;
  #next = 200;

  do(method: string, fields: Record<string, unknown>): SlackAnswer {
    const at = this.messages.find(({ ts }) => ts === fields.ts);
    const refuse = (error: string): SlackAnswer => ({ kind: "refused", error });
    switch (method) {
      case "assistant.threads.setStatus":
        return { kind: "done", body: {} };
      case "conversations.replies": {
        const oldest = String(fields.oldest);
        const messages = this.messages.filter(({ ts }) => ts >= oldest).map(({ ts }) => ({ ts, user: "UBOT" }));
        return { kind: "done", body: { messages: [{ ts: place.thread_ts, user: "U1" }, ...messages] } };
      }
      case "chat.startStream":
        if (this.streamsRefused) return refuse("channel_type_not_supported");
        return this.#add({ text: "", tasks: {}, streaming: true, blocks: [] }, fields.chunks);
      case "chat.postMessage":
        return this.#add({ text: "", tasks: {}, streaming: false, blocks: blocksOf(fields) }, []);
      case "chat.delete":
        if (at === undefined) return refuse("message_not_found");
        this.messages.splice(this.messages.indexOf(at), 1);
        return { kind: "done", body: {} };
    }
    if (at === undefined) return refuse("message_not_found");
    if (method === "chat.update") {
      if (at.streaming) return refuse("streaming_state_conflict");
      at.blocks = blocksOf(fields);
      at.text = "";
      // The first edit removes a stream's plan.
      at.tasks = {};
      return { kind: "done", body: {} };
    }
    if (!at.streaming) return refuse("message_not_in_streaming_state");
    append(at, fields.chunks);
    if (method === "chat.stopStream") {
      at.streaming = false;
      at.blocks = blocksOf(fields);
    }
    return { kind: "done", body: {} };
  }

  #add(message: Omit<ChannelMessage, "ts">, chunks: unknown): SlackAnswer {
    const ts = `1700000000.000${this.#next++}`;
    const added = { ts, ...message };
    append(added, chunks);
    this.messages.push(added);
    return { kind: "done", body: { ts } };
  }

  /** The text that a person reads, without the run's outcome. */
  get said(): string {
    return this.messages
      .map(
        ({ text, blocks }) =>
          text +
          blocks
            .filter(({ type }) => type === "markdown")
            .map((block) => block.text)
            .join(""),
      )
      .join("");
  }
}

function append(message: ChannelMessage, chunks: unknown): void {
  for (const chunk of (chunks ?? []) as Record<string, string>[]) {
    if (chunk.type === "markdown_text") message.text += chunk.text;
    if (chunk.type === "task_update") message.tasks[String(chunk.id)] = String(chunk.status);
  }
}

function blocksOf(fields: Record<string, unknown>): ChannelMessage["blocks"] {
  return (fields.blocks ?? []) as ChannelMessage["blocks"];
}
