// A client's whole history: what a message takes is little, and the same however many there are.
import { expect, it, vi } from "vitest";
import { say } from "../../../test/fakes/replies.ts";
import { FakeThread } from "../../../test/fakes/thread.ts";
import type { RunInput } from "../../protocol/thread.ts";
import { insertMessages, readMessages } from "../rows/messages.ts";

const MANY = 3_000;

const idOf = (at: number) => `m${at}`;

function historyOf(count: number, more: Partial<RunInput> = {}): Partial<RunInput> {
  const messages = Array.from({ length: count }, (_, at) => ({ message_id: idOf(at), content: `message ${at}` }));
  return {
    from_history: true,
    messages,
    history: messages.map(({ message_id }) => ({ message_id, role: "user" })),
    ...more,
  };
}

/** How many statements the thread's object runs meanwhile. */
async function countStatements(thread: FakeThread, work: () => Promise<unknown>): Promise<number> {
  const exec = vi.spyOn(thread.life.database.sql, "exec");
  await work();
  const { length } = exec.mock.calls;
  exec.mockRestore();
  return length;
}

it.each([
  ["new", [], MANY],
  ["known but for its end", [MANY - 1], MANY],
  ["known at its beginning alone", [10], MANY],
])(
  "a history of 3,000 messages that is %s takes a few statements, not some for each message",
  async (_, known, all) => {
    const thread = new FakeThread({ defaultReply: say("Yes.") });
    for (const count of known) await thread.run("", historyOf(count, { invocation_id: "run_known" }));
    // Its way to D1 takes some for each hundred.
    const statements = await countStatements(thread, () =>
      thread.run("", historyOf(all, { invocation_id: "run_all" })),
    );
    expect(statements).toBeLessThan(1_000);
    const { sql } = thread.life.database;
    const stored = readMessages(sql, thread.life.thread, 0, 2 * MANY).filter(({ type }) => type === "user");
    expect(stored.map(({ message_id }) => message_id)).toEqual(Array.from({ length: MANY }, (_, at) => idOf(at)));
  },
);

it("messages that are stored together are what they are alone: long, wide, with NUL and quotes, in their order", async () => {
  const thread = new FakeThread({ defaultReply: say("Yes.") });
  const texts = ["a", "长".repeat(400_000), "\u0000", '"\\'.repeat(90_000), "😀".repeat(60_000), "é\n", "z"];
  const messages = texts.map((content, at) => ({ message_id: idOf(at), content }));
  await thread.run("", { from_history: true, messages, history: [] });
  const rows = readMessages(thread.life.database.sql, thread.life.thread, 0, 100);
  const said = rows.flatMap((row) => (row.type === "user" ? [row.content.content] : []));
  expect(said).toEqual(texts);
  expect(rows.map(({ seq }) => seq)).toEqual(rows.map((_, at) => at + 1));
});

it("messages that are stored together keep what they differ in", async () => {
  const { life } = new FakeThread();
  const [shared, texts] = [
    { invocation_id: "inv_1", agent_id: null, created_at: "2026-01-01T00:00:00.000Z" },
    "aabbcca",
  ];
  const messages = [...texts].map((content, at) => ({
    ...{
      ...shared,
      message_id: idOf(texts.length - at),
      type: "user" as const,
      content: { role: "user" as const, content },
    },
    is_llm_message: content !== "b",
    metadata: content === "c" ? { chosen: true } : {},
  }));
  const first = life.database.transaction(() => insertMessages(life.database.sql, messages));
  const rows = readMessages(life.database.sql, life.thread, first - 1, 100);
  expect(rows).toMatchObject(messages.map((message, at) => ({ ...message, seq: first + at })));
});

it("others get a turn between the batches that bring a long history to D1", async () => {
  const thread = new FakeThread({ defaultReply: say("Yes.") });
  let [turns, isOver] = [0, false];
  const take = (): void => {
    turns += 1;
    if (!isOver) setTimeout(take, 0);
  };
  take();
  await thread.run("", historyOf(MANY));
  await thread.life.outbox.sync({ whole: true });
  isOver = true;
  expect(thread.life.outbox.pending).toBe(false);
  expect(turns).toBeGreaterThan(10);
});
