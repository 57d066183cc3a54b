// A thread remembers across lives which sandbox's files its model knows, so that the next life also reports a new
// sandbox.
import { describe, expect, it } from "vitest";
import { z } from "zod";
import { MemorySandbox } from "../../examples/memory-sandbox/sandbox.ts";
import { call, say } from "../../test/fakes/replies.ts";
import { FakeThread } from "../../test/fakes/thread.ts";
import { defineTool } from "../agent/tool.ts";
import type { SandboxMemory } from "./sandbox.ts";

const look = defineTool({
  name: "look",
  description: "",
  schema: z.object({}),
  kind: "work",
  read_only: false,
  recovery: "repeat",
  time_limit_ms: 1_000,
  execute: async () => ({ content: "seen", is_error: false }),
});

/** Makes the thread's life find the sandbox `id`, as a provider does. */
function find(thread: FakeThread, id: string): void {
  thread.life.ports.openSandbox = async (_thread, _onState, memory: SandboxMemory) =>
    Object.assign(new MemorySandbox(), {
      takeNotice: () => {
        const isNew = memory.known !== null && memory.known !== id;
        if (memory.known !== id) memory.remember(id);
        return isNew ? "it is new" : null;
      },
    });
}

async function resultOf(thread: FakeThread): Promise<string> {
  thread.replies.push(call({ id: `call_${crypto.randomUUID()}`, name: "look", input: {} }), say("done"));
  const { events } = await thread.run("look");
  return events.flatMap((event) => (event.type === "TOOL_CALL_RESULT" ? [event.content] : [])).join();
}

describe("a sandbox that was replaced between two lives of a thread", () => {
  it("is reported to the model once, by the next life that uses it", async () => {
    const thread = new FakeThread({ tools: [look] });
    find(thread, "id-1");
    expect(await resultOf(thread)).toBe("seen");
    thread.crash();
    find(thread, "id-1");
    expect(await resultOf(thread)).toBe("seen");
    thread.crash();
    find(thread, "id-2");
    expect(await resultOf(thread)).toBe("seen\n[it is new]");
    thread.crash();
    find(thread, "id-2");
    expect(await resultOf(thread)).toBe("seen");
  });
});
