// Streaming with the official client: what a message shows, and what Slack rejects when.
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { createManualClock } from "./clock.ts";
import { type ConnectedWorkspace, connectWorkspace, refusalOf } from "./official-client.ts";
import { type Slack, startSlack } from "./server.ts";
import { streamLifeMs } from "./stream.ts";

const clock = createManualClock();
let slack: Slack;

beforeAll(async () => {
  slack = await startSlack({ clock });
});

afterAll(() => slack.close());

function connect(name: string): ConnectedWorkspace {
  return connectWorkspace(slack, name);
}

describe("streams", () => {
  it("of the client's own helper show exactly what was appended", async () => {
    const { client, channel, thread_ts, workspace } = connect("Helper");
    const stream = client.chatStream({
      channel,
      thread_ts,
      recipient_user_id: workspace.user,
      recipient_team_id: workspace.id,
      task_display_mode: "plan",
    });
    const words = ["**Hello", "** wor", "ld\n", "\n- a\n- b\n"];
    for (const markdown_text of words) await stream.append({ markdown_text });
    const task = { type: "task_update" as const, id: "1", title: "Look around" };
    await stream.append({
      chunks: [
        { type: "plan_update", title: "A plan" },
        { ...task, status: "in_progress" },
      ],
    });
    await stream.append({ chunks: [{ ...task, status: "complete", output: "seen" }] });
    await stream.stop({ markdown_text: "the end" });
    const { stream: kept, text } = slack.message(channel, stream.ts ?? "");
    expect(text).toBe(`${words.join("")}the end`);
    expect(kept).toMatchObject({ state: "stopped", planTitle: "A plan", display: "plan" });
    expect([...(kept?.tasks.values() ?? [])]).toMatchObject([{ id: "1", status: "complete", output: "seen" }]);
  });

  async function begin(name: string): Promise<ConnectedWorkspace & { ts: string }> {
    const connected = connect(name);
    const { client, channel, thread_ts, workspace } = connected;
    const recipient = { recipient_user_id: workspace.user, recipient_team_id: workspace.id };
    const { ts = "" } = await client.chat.startStream({ channel, thread_ts, ...recipient });
    return { ...connected, ts };
  }

  it("in a channel need a thread and a recipient", async () => {
    const { client, channel, thread_ts, workspace } = connect("Recipients");
    expect(await refusalOf(client.chat.startStream({ channel, thread_ts }))).toBe("missing_recipient_user_id");
    const half = { channel, thread_ts, recipient_user_id: workspace.user };
    expect(await refusalOf(client.chat.startStream(half))).toBe("missing_recipient_team_id");
    const nowhere = { ...half, recipient_team_id: workspace.id, thread_ts: "1.000000" };
    expect(await refusalOf(client.chat.startStream(nowhere))).toBe("thread_not_found");
    const direct = workspace.direct();
    const { message } = slack.say({ channel: direct, user: workspace.user, text: "hi" });
    expect(await refusalOf(client.chat.startStream({ channel: direct, thread_ts: message.ts }))).toBe("none");
  });

  it("reject edits while they are open, and appends after their end", async () => {
    const { client, channel, ts } = await begin("Order");
    expect(await refusalOf(client.chat.update({ channel, ts, text: "x" }))).toBe("streaming_state_conflict");
    expect(await refusalOf(client.chat.delete({ channel, ts }))).toBe("cant_delete_message");
    await client.chat.appendStream({ channel, ts, markdown_text: "a" });
    await client.chat.stopStream({ channel, ts, markdown_text: "b" });
    expect(await refusalOf(client.chat.appendStream({ channel, ts, markdown_text: "c" }))).toBe(
      "message_not_in_streaming_state",
    );
    expect(await refusalOf(client.chat.stopStream({ channel, ts }))).toBe("message_not_in_streaming_state");
    expect(slack.shown(channel, ts)).toBe("ab");
    await client.chat.update({ channel, ts, text: "edited" });
    expect(slack.shown(channel, ts)).toBe("edited");
  });

  it("end by themselves five minutes after their start", async () => {
    const { client, channel, ts } = await begin("Expiry");
    await clock.advance(streamLifeMs - 1);
    await client.chat.appendStream({ channel, ts, markdown_text: "in time" });
    await clock.advance(1);
    expect(await refusalOf(client.chat.appendStream({ channel, ts, markdown_text: "late" }))).toBe(
      "message_not_in_streaming_state",
    );
    expect(await refusalOf(client.chat.update({ channel, ts, text: "in time, late" }))).toBe("none");
  });

  it("accept markdown_text or chunks, and only the kind that they began with", async () => {
    const { client, channel, ts } = await begin("Modes");
    const chunks = [{ type: "markdown_text" as const, text: "a" }];
    const append = (content: object): Promise<string> =>
      refusalOf(client.apiCall("chat.appendStream", { channel, ts, ...content }));
    expect(await append({ markdown_text: "a", chunks })).toBe("cannot_provide_both_markdown_text_and_chunks");
    expect(await append({ chunks })).toBe("none");
    expect(await append({ markdown_text: "b" })).toBe("streaming_mode_mismatch");
    expect(await append({ chunks: [{ type: "markdown_text", text: "x".repeat(12_001) }] })).toBe("msg_too_long");
    expect(await append({ chunks: [{ type: "task_update", id: "1", title: "t", status: "done" }] })).toBe(
      "invalid_chunks",
    );
    expect(
      await append({ chunks: [{ type: "task_update", id: "1", title: "x".repeat(257), status: "pending" }] }),
    ).toBe("invalid_chunks");
    expect(slack.shown(channel, ts)).toBe("a");
  });

  it("that a person stopped report that", async () => {
    const { client, channel, ts, thread_ts, workspace } = await begin("Stopped");
    await client.agents.sessions.setStatus({ channel_id: channel, thread_ts, status: "processing" });
    void slack.pressStop({ channel, thread_ts, user: workspace.user });
    expect(await refusalOf(client.chat.appendStream({ channel, ts, markdown_text: "x" }))).toBe("stopped_by_user");
    expect(await refusalOf(client.chat.stopStream({ channel, ts }))).toBe("message_not_in_streaming_state");
  });
});
