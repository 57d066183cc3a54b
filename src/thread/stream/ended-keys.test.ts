// Streams end with the key that opened them, and D1 may fail meanwhile.
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { started, typesOf } from "../../../test/fakes/stage.ts";
import { FakeClock, FakeSink, settle } from "../../../test/fakes/stream.ts";
import { FakeThread } from "../../../test/fakes/thread.ts";
import { ADMIN_KEY_ID } from "../../protocol/ids.ts";
import { readOpener, writeOpener } from "./ended-keys.ts";

const SECOND = 1_000;
const MINUTE = 60 * SECOND;

/** Keys in D1, whose answers a test breaks, and a thread's readers. */
class Scene {
  readonly clock = new FakeClock();
  readonly thread = new FakeThread({ clock: this.clock });
  readonly ended = new Set<string>();
  readonly asked: string[][] = [];
  answers: "well" | "never" | "fails" = "well";

  constructor() {
    this.thread.findEndedKeys = async (key_ids) => {
      this.asked.push(key_ids);
      if (this.answers === "never") return new Promise(() => {});
      if (this.answers === "fails") throw new Error("D1 is away");
      return key_ids.filter((key_id) => this.ended.has(key_id));
    };
  }

  /** `left`: milliseconds until the key expires. */
  read(key_id: string | null, { paced = false, age = 0, left = null as number | null } = {}): FakeSink {
    const sink = new FakeSink({ paced });
    const { readers, journal } = this.thread.life;
    const request = { after: journal.newest, opening: [], end: () => null, idles: false };
    const now = this.clock.now();
    const expires_at = left === null ? null : now + left;
    readers.add(sink, request, key_id === null ? null : { key_id, confirmed_at: now - age, expires_at });
    return sink;
  }

  fact(): void {
    const { database, journal } = this.thread.life;
    database.transaction(() => journal.addFact("r", started));
  }

  /** A second at a time, so that promises settle between timers. */
  async pass(ms: number): Promise<void> {
    for (let left = ms; left > 0; left -= SECOND) {
      this.clock.advance(Math.min(SECOND, left));
      await settle();
    }
  }
}

describe("the readers of a key that is deleted", () => {
  it("are cut at the next ping, and those of other keys get every frame", async () => {
    const scene = new Scene();
    const [gone, stays, admin] = [scene.read("key_a"), scene.read("key_b"), scene.read(null)];
    await scene.pass(12 * SECOND);
    scene.ended.add("key_a");
    await scene.pass(8 * SECOND);
    expect([gone.aborted, stays.isOpen, admin.isOpen]).toEqual(["the key no longer holds", true, true]);
    scene.fact();
    await scene.pass(SECOND);
    expect([gone, stays, admin].map((sink) => typesOf(sink.text).length)).toEqual([0, 1, 1]);
  });

  it("are cut too where one takes nothing, and where one comes while D1 is asked", async () => {
    const scene = new Scene();
    const stuck = scene.read("key_a", { paced: true });
    scene.fact();
    await settle();
    expect(stuck.isBusy).toBe(true);
    let answer = (_ended: string[]): void => {};
    scene.thread.findEndedKeys = () =>
      new Promise((resolve) => {
        answer = resolve;
      });
    scene.clock.advance(10 * SECOND);
    const late = scene.read("key_a");
    answer(["key_a"]);
    await settle();
    expect([stuck.isOpen, late.isOpen]).toEqual([false, false]);
  });

  it("are exactly those that are cut, whatever comes between, and nobody else misses a frame", async () => {
    const key = fc.constantFrom("key_a", "key_b", "key_c", null);
    const step = fc.oneof(
      fc.record({ does: fc.constant("read" as const), key, paced: fc.boolean() }),
      fc.record({ does: fc.constant("fact" as const) }),
      fc.record({ does: fc.constant("take" as const) }),
      fc.record({ does: fc.constant("end" as const), key: fc.constantFrom("key_a", "key_b") }),
      fc.record({ does: fc.constant("pass" as const), ms: fc.integer({ min: 1, max: 12_000 }) }),
      fc.record({ does: fc.constant("answer" as const), how: fc.constantFrom("well", "never", "fails") }),
    );
    type Step = typeof step extends fc.Arbitrary<infer Value> ? Value : never;
    const check = async (steps: Step[]): Promise<void> => {
      const scene = new Scene();
      const readers: { sink: FakeSink; key: string | null; since: number }[] = [];
      let facts = 0;
      for (const each of steps) {
        if (each.does === "read") {
          readers.push({ sink: scene.read(each.key, { paced: each.paced }), key: each.key, since: facts });
        } else if (each.does === "fact") {
          scene.fact();
          facts += 1;
        } else if (each.does === "take") for (const { sink } of readers) while (sink.isBusy) sink.take();
        else if (each.does === "end") scene.ended.add(each.key);
        else if (each.does === "pass") await scene.pass(each.ms);
        else scene.answers = each.how;
        await settle();
        for (const { sink, key } of readers) expect(sink.isOpen || scene.ended.has(key ?? "")).toBe(true);
      }
      scene.answers = "well";
      await scene.pass(12 * SECOND);
      for (let round = 0; round < 50; round++) {
        for (const { sink } of readers) while (sink.isBusy) sink.take();
        await scene.pass(SECOND);
      }
      for (const { sink, key, since } of readers) {
        expect(sink.isOpen).toBe(!scene.ended.has(key ?? ""));
        if (sink.isOpen) expect(typesOf(sink.text)).toHaveLength(facts - since);
      }
    };
    await fc.assert(fc.asyncProperty(fc.array(step, { maxLength: 25 }), check), { numRuns: 60 });
  });
});

describe("a reader whose key was looked up a while ago", () => {
  it("is never open 13 s after its key has ended, and a key that holds is asked for every three seconds at most", async () => {
    const key = fc.constantFrom("key_a", "key_b", "key_c");
    const step = fc.oneof(
      fc.record({ does: fc.constant("read" as const), key, age: fc.integer({ min: 0, max: 10_000 }) }),
      fc.record({ does: fc.constant("end" as const), key }),
      fc.record({ does: fc.constant("pass" as const), ms: fc.integer({ min: 1, max: 12_000 }) }),
    );
    type Step = typeof step extends fc.Arbitrary<infer Value> ? Value : never;
    const check = async (steps: Step[]): Promise<void> => {
      const scene = new Scene();
      const endedAt = new Map<string, number>();
      const readers: { sink: FakeSink; key: string }[] = [];
      const askedAt: number[] = [];
      const find = scene.thread.findEndedKeys;
      scene.thread.findEndedKeys = (key_ids) => {
        askedAt.push(scene.clock.now());
        return find(key_ids);
      };
      const since = (key: string) => scene.clock.now() - (endedAt.get(key) ?? scene.clock.now());
      for (const each of [...steps, { does: "pass" as const, ms: 14 * SECOND }]) {
        // No Worker lets a key in that it was last known to hold ten seconds ago.
        if (each.does === "read" && since(each.key) <= 10 * SECOND) {
          const age = Math.max(each.age, since(each.key));
          readers.push({ sink: scene.read(each.key, { age }), key: each.key });
        } else if (each.does === "end" && !scene.ended.has(each.key)) {
          scene.ended.add(each.key);
          endedAt.set(each.key, scene.clock.now());
        } else if (each.does === "pass") {
          for (let left = each.ms; left > 0; left -= 500) {
            await scene.pass(Math.min(500, left));
            for (const { sink, key } of readers) if (sink.isOpen) expect(since(key)).toBeLessThanOrEqual(13_500);
          }
        }
      }
      for (const { sink, key } of readers) expect(sink.isOpen).toBe(!scene.ended.has(key));
      for (const [place, at] of askedAt.entries()) expect(at - (askedAt[place - 1] ?? 0)).toBeGreaterThanOrEqual(3_000);
    };
    await fc.assert(fc.asyncProperty(fc.array(step, { maxLength: 30 }), check), { numRuns: 100 });
  });

  it("brings the next question forward, and not where another reader of the key is known to hold", async () => {
    const scene = new Scene();
    scene.read("key_a");
    await scene.pass(2 * SECOND);
    scene.read("key_a", { age: 9 * SECOND });
    await scene.pass(7 * SECOND);
    expect(scene.asked).toEqual([]);
    await scene.pass(SECOND);
    expect(scene.asked).toEqual([["key_a"]]);
    scene.read("key_b", { age: 9 * SECOND });
    await scene.pass(4 * SECOND);
    expect(scene.asked).toEqual([["key_a"], ["key_a", "key_b"]]);
    await scene.pass(10 * SECOND);
    expect(scene.asked).toHaveLength(3);
  });
});

describe("the question to D1", () => {
  it("is one every ten seconds, with each key once, whatever the number of readers", async () => {
    const scene = new Scene();
    for (let count = 0; count < 499; count++) scene.read(`key_${count % 250}`);
    scene.read(null);
    await scene.pass(30 * SECOND);
    expect(scene.asked.map((keys) => [keys.length, new Set(keys).size])).toEqual([
      [250, 250],
      [250, 250],
      [250, 250],
    ]);
  });

  it("is never asked for readers without a key to check, nor after the last reader has left", async () => {
    const scene = new Scene();
    const admin = scene.read(null);
    await scene.pass(MINUTE);
    expect([scene.asked, admin.isOpen]).toEqual([[], true]);
    scene.thread.life.readers.cutAll("they leave");
    expect(scene.clock.timers).toBe(0);
    scene.read("key_a");
    await scene.pass(5 * SECOND);
    scene.thread.life.readers.cutAll("they leave");
    expect(scene.clock.timers).toBe(0);
    await scene.pass(MINUTE);
    expect(scene.asked).toEqual([]);
  });

  it.each(["never", "fails"] as const)(
    "that D1 %s to answer lets readers stay for a quarter of an hour",
    async (how) => {
      const scene = new Scene();
      const [first, aged] = [scene.read("key_a"), scene.read("key_b", { age: 10 * MINUTE })];
      await scene.pass(10 * SECOND);
      scene.answers = how;
      await scene.pass(14 * MINUTE);
      expect([first.isOpen, aged.isOpen]).toEqual([true, true]);
      await scene.pass(2 * MINUTE);
      expect([first.isOpen, aged.isOpen]).toEqual([false, false]);
      expect(scene.thread.life.errors.at(-1)?.message).toContain("the keys of readers could not be checked");
    },
  );

  it("counts from when D1 last confirmed the key, which may be before the stream was opened", async () => {
    const scene = new Scene();
    scene.answers = "fails";
    const [aged, fresh] = [scene.read("key_a", { age: 10 * MINUTE }), scene.read("key_b")];
    await scene.pass(6 * MINUTE);
    expect([aged.isOpen, fresh.isOpen]).toEqual([false, true]);
  });

  it("that D1 answers again keeps the readers whose keys hold", async () => {
    const scene = new Scene();
    const [gone, stays] = [scene.read("key_a"), scene.read("key_b")];
    scene.answers = "never";
    scene.ended.add("key_a");
    await scene.pass(10 * MINUTE);
    expect([gone.isOpen, stays.isOpen]).toEqual([true, true]);
    scene.answers = "well";
    await scene.pass(10 * SECOND);
    expect([gone.isOpen, stays.isOpen]).toEqual([false, true]);
    scene.answers = "fails";
    await scene.pass(14 * MINUTE);
    expect(stays.isOpen).toBe(true);
  });
});

describe("a reader whose key expires", () => {
  it.each(["fails", "never"] as const)(
    "is cut within 13 s of that while D1 %s, and other keys' readers stay",
    async (answers) => {
      const scene = new Scene();
      scene.answers = answers;
      const [gone, later, stays] = [
        scene.read("key_a", { left: 25 * SECOND }),
        scene.read("key_b", { left: 10 * MINUTE }),
        scene.read("key_c"),
      ];
      await scene.pass(24 * SECOND);
      expect(gone.isOpen).toBe(true);
      await scene.pass(14 * SECOND);
      expect([gone.isOpen, later.isOpen, stays.isOpen]).toEqual([false, true, true]);
      await scene.pass(10 * MINUTE);
      expect([later.isOpen, stays.isOpen]).toEqual([false, true]);
    },
  );
});

describe("a stream's opener", () => {
  it("travels as the key's id, the age of what is known of it, and the time that it has left", () => {
    const params = new URLSearchParams();
    writeOpener(params, { key_id: "key_a", confirmed_at: 1_000, expires_at: null }, 3_500);
    expect(String(params)).toBe("key_id=key_a&key_age=2500");
    expect(readOpener(params, 90_000)).toEqual({ key_id: "key_a", confirmed_at: 87_500, expires_at: null });
    writeOpener(params, { key_id: "key_a", confirmed_at: 1_000, expires_at: 5_000 }, 3_500);
    expect(String(params)).toBe("key_id=key_a&key_age=2500&key_left=1500");
    expect(readOpener(params, 90_000)).toEqual({ key_id: "key_a", confirmed_at: 87_500, expires_at: 91_500 });
  });

  it("is the admin key too, and none where no key is named", () => {
    const admin = new URLSearchParams({ key_id: ADMIN_KEY_ID, key_age: "0" });
    expect(readOpener(admin, 0)).toEqual({ key_id: ADMIN_KEY_ID, confirmed_at: 0, expires_at: null });
    expect(readOpener(new URLSearchParams({ user_id: "user_1" }), 0)).toBeNull();
  });
});
