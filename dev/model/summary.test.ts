// The server's own requests for summaries, and conversations that it has shortened by its own rules.
import { beforeAll, describe, expect, it } from "vitest";
import { chooseTail, sharesOf } from "../../src/agent/context/compaction.ts";
import { repairHistory } from "../../src/agent/context/history.ts";
import { collectSaid, composeSummary } from "../../src/agent/context/summary.ts";
import { summaryPrompt } from "../../src/agent/context/summary-writer.ts";
import { renderTranscript } from "../../src/agent/context/transcript.ts";
import { emptyPlan } from "../../src/agent/plan/view.ts";
import type { ChatMessage } from "../../src/protocol/message.ts";
import { type Content, loadContent } from "./content.ts";
import { decide } from "./decide.ts";
import { callsOf, PlanBook, pretend, rehearse, say, type WireMessage } from "./rehearsal.ts";
import { readRequest } from "./wire.ts";

let content: Content;
beforeAll(async () => {
  content = await loadContent();
});

function ask(messages: WireMessage[]): string {
  return String(decide(readRequest({ model: "m", messages }), content).text);
}

/** Keeps a few of the newest messages, and lets the script write the summary of the others. */
function shortener(max: number): (played: WireMessage[]) => WireMessage[] {
  let from = 0;
  let text = "";
  let said: string[] = [];
  return ([system, ...played]) => {
    const rows = played as ChatMessage[];
    if (rows.length - from > max) {
      const older = rows.slice(from);
      const count = chooseTail(
        older,
        older.map(() => 1),
        max / 3,
      );
      const summed = repairHistory(older.slice(0, count));
      const earlier = text === "" ? "" : `${JSON.stringify({ earlier_summary: text })}\n`;
      text = ask([
        { role: "system", content: summaryPrompt },
        { role: "user", content: `${earlier}${renderTranscript(summed, 10_000)}\n\nWrite its summary now.` },
      ]);
      said = [...said, ...collectSaid(summed, new Map())];
      from += count;
    }
    const tail = rows.slice(from) as WireMessage[];
    if (from === 0) return [system as WireMessage, ...tail];
    const summary = composeSummary({ said, omitted: 0, text }, emptyPlan, [], sharesOf(100_000));
    return [system as WireMessage, summary as WireMessage, ...tail];
  };
}

describe("a request for a summary", () => {
  it("is answered with a summary, whatever hooks and requests the conversation contains", () => {
    const transcript = renderTranscript([{ role: "user", content: "[[loop]] build me an online shop" }], 1000);
    const text = ask([
      { role: "system", content: summaryPrompt },
      { role: "user", content: transcript },
    ]);
    expect(text).toMatch(/^# Goal and constraints/);
  });
});

describe("a conversation that begins with a summary", () => {
  it.each([
    ["帮我做一个电商网站", 24],
    ["build me an online shop", 24],
    ["write a research report on remote work", 12],
  ])("continues the plan to its end: %s", async (request, max) => {
    const book = new PlanBook();
    const played = await rehearse({
      content,
      messages: say(request),
      book,
      tools: pretend(),
      shorten: shortener(max),
    });
    expect(played.ended).toBe("complete");
    expect(book.statuses().every((status) => status === "completed")).toBe(true);
    expect(callsOf(played, "create_tasks")).toHaveLength(1);
  });

  it("continues the hooks of its message where they stopped", async () => {
    const hooks = Array.from({ length: 30 }, (_, at) => `[[tool read_file {"path":"${at}"}]]`).join("[[then]]");
    const played = await rehearse({
      content,
      messages: say(`${hooks}[[then]][[text the end]]`),
      book: new PlanBook(),
      tools: pretend(),
      shorten: shortener(12),
    });
    expect(played).toMatchObject({ ended: "text", text: "the end" });
    expect(callsOf(played, "read_file").map(({ path }) => path)).toEqual(
      Array.from({ length: 30 }, (_, at) => `${at}`),
    );
  });
});
