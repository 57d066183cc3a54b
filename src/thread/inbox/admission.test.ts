import { beforeEach, expect, it, vi } from "vitest";
import { newRunInput } from "../../protocol/thread.ts";
import type { Life } from "../life.ts";

// Rooms are the process's, which other files use, too: here each test has its own.
let admission: typeof import("./admission.ts");
let crowd: typeof import("../../agent/context/crowd.ts");

beforeEach(async () => {
  vi.resetModules();
  admission = await import("./admission.ts");
  crowd = await import("../../agent/context/crowd.ts");
});

const say = (content: string) =>
  newRunInput({
    ...{ user_id: "user_1", thread_id: "t", invocation_id: "inv", key_id: "key" },
    messages: [{ message_id: "msg", content }],
  });
const refused = { error: { code: "rate_limited", retry_after_s: expect.any(Number) } };

it("a long input waits outside while live runs hold all that conversations may, and a short one does not", () => {
  const long = say("x".repeat(200_000));
  expect(admission.checkCrowd(long)).toBeNull();
  const runs = Array.from({ length: 12 }, () => new crowd.RunPlace());
  for (const each of runs) each.limit(1024 * 1024);
  expect(admission.checkCrowd(long)).toMatchObject(refused);
  expect(admission.checkCrowd(say("hello"))).toBeNull();
  runs[0]?.leave();
  expect(admission.checkCrowd(long)).toBeNull();
});

it("a long input waits outside while others that wait behind runs hold all that they may", () => {
  const long = say("x".repeat(200_000));
  const lives = Array.from({ length: 3 }, () => {
    const records = ["a", "b", "c", "d"].map((id) => [id, { input: say("长".repeat(800_000)) }] as const);
    return { live: new Map(records) } as unknown as Life;
  });
  for (const life of lives.slice(0, 2)) admission.noteInputs(life);
  expect(admission.checkCrowd(long)).toBeNull();
  admission.noteInputs(lives[2] as Life);
  expect(admission.checkCrowd(long)).toMatchObject(refused);
  expect(admission.checkCrowd(say("hello"))).toBeNull();
  for (const life of lives) {
    life.live.clear();
    admission.noteInputs(life);
  }
  expect(admission.checkCrowd(long)).toBeNull();
});
