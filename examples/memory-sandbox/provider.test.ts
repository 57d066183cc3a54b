// The memory provider passes the core of the sandbox's contract, serves a thread's run, and is one line in the
// registry.
import { describe, expect, it } from "vitest";
import { readConfig } from "../../src/config.ts";
import { findProvider } from "../../src/sandboxes/index.ts";
import { createPorts } from "../../src/thread/ports.ts";
import { labels } from "../../test/contract/sandbox-port/fixture.ts";
import { describeSandboxCore } from "../../test/contract/sandbox-port/suite.ts";
import { call, say } from "../../test/fakes/replies.ts";
import { openD1 } from "../../test/fakes/sqlite-d1.ts";
import { FakeThread } from "../../test/fakes/thread.ts";
import { createMemoryProvider } from "./provider.ts";

const signal = AbortSignal.timeout(60_000);
const config = readConfig({} as never);

describeSandboxCore("memory", async () => {
  const provider = createMemoryProvider();
  const requestFor = (name: string) => ({ name, labels, recipe: {} });
  return {
    open: (name) => {
      const states: { state: string; message: string }[] = [];
      const onState = (state: string, message: string) => states.push({ state, message });
      const sandbox = provider.openSandbox({ ...requestFor(name), onState });
      return { sandbox, workspace: provider.openWorkspace(requestFor(name)), states };
    },
    stop: async (name) => void (await provider.openWorkspace(requestFor(name)).stop(signal)),
    remove: (name) => provider.openWorkspace(requestFor(name)).destroy(signal),
    visit: null,
    own_port: null,
    close: async () => {},
  };
});

describe("a thread whose project's sandbox is in memory", () => {
  it("runs a command and reads the file that it wrote, through the ports of a deployment", async () => {
    const provider = createMemoryProvider();
    const ports = createPorts(config, openD1().binding, {} as Queue<unknown>, undefined, provider);
    const thread = new FakeThread({
      tools: ports.tools,
      replies: [
        call({ id: "call_1", name: "execute_command", input: { command: "echo opened > shop.txt; echo done" } }),
        call({ id: "call_2", name: "read_file", input: { path: "shop.txt" } }),
        say("The shop is open."),
      ],
    });
    thread.life.ports.openSandbox = ports.openSandbox;
    const { events } = await thread.run("open the shop");
    const results = events.flatMap((event) => (event.type === "TOOL_CALL_RESULT" ? [event.content] : []));
    expect(results).toEqual([expect.stringContaining("exit_code: 0\ndone\n"), expect.stringContaining("opened\n")]);
    const states = events.flatMap((event) =>
      event.type === "CUSTOM" && event.name === "sandbox" ? [event.value.state] : [],
    );
    expect(states).toEqual(["creating", "started"]);
  });
});

describe("the registry of sandbox providers", () => {
  it("takes the memory provider with one entry", () => {
    const provider = createMemoryProvider();
    expect(findProvider(config, [{ setting: "MEMORY_SANDBOX", create: () => provider }])).toBe(provider);
  });
});
