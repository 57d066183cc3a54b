// The state of a thread has the links that its tools made. People revoke and replace them, and they expire.
import { describe, expect, it, vi } from "vitest";
import { say } from "../../test/fakes/replies.ts";
import { FakeThread } from "../../test/fakes/thread.ts";
import { twoTaskModel, twoTaskTools } from "../../test/fakes/two-task-model.ts";

describe("previews whose links people have changed", () => {
  async function talk(thread: FakeThread) {
    thread.replies.push(say("hello"));
    const { events } = await thread.run("hello");
    return events.flatMap((event) => (event.type === "STATE_DELTA" ? event.delta : []));
  }
  async function built(): Promise<FakeThread> {
    const thread = new FakeThread({ defaultReply: twoTaskModel, tools: twoTaskTools() });
    await thread.run("build it");
    return thread;
  }

  it("are sent by the next run, once, and only if the thread's tools made them", async () => {
    const thread = await built();
    expect(await talk(thread)).toEqual([]);
    thread.links = [
      { port: 7000, url: "http://other/" },
      { port: 8000, url: "http://new/" },
    ];
    const path = "/sandbox/previews";
    expect(await talk(thread)).toEqual([{ op: "replace", path, value: [{ port: 8000, url: "http://new/" }] }]);
    thread.links = [];
    expect(await talk(thread)).toEqual([{ op: "replace", path, value: [] }]);
    expect(await talk(thread)).toEqual([]);
    thread.crash();
    expect(thread.life.state.value.sandbox.previews).toEqual([]);
  });

  it("stay as they are if D1 fails, or if a tool was faster", async () => {
    const thread = await built();
    const logged = vi.spyOn(console, "error").mockImplementation(() => {});
    thread.life.ports.readPreviews = () => Promise.reject(new Error("D1 is down"));
    expect(await talk(thread)).toEqual([]);
    expect(logged).toHaveBeenCalledOnce();
    logged.mockRestore();
    thread.life.ports.readPreviews = async () => {
      thread.life.state.addPreview({ port: 8000, url: "http://newer/" });
      return [];
    };
    expect(await talk(thread)).toEqual([]);
    expect(thread.life.state.value.sandbox.previews).toEqual([{ port: 8000, url: "http://newer/" }]);
  });
});
