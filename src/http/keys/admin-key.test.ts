// What the admin key may do, as one isolate knows it.
import { expect, it } from "vitest";
import { createAdminKey } from "./admin-key.ts";

const MINUTE = 60_000;

function isolate() {
  let now = 1_000_000;
  const store = { acts: true, quotas: null as string | null, asked: 0, isAway: false, answered: async () => {} };
  const first = async () => {
    store.asked += 1;
    if (store.isAway) throw new Error("D1 is away");
    const acts = store.acts ? 1 : 0;
    await store.answered();
    return { acts, quotas: store.quotas };
  };
  const db = { prepare: () => ({ first }) } as unknown as D1Database;
  const key = createAdminKey(() => now);
  const standing = async (isOnlyAdmin = false) => (await key.read(db, isOnlyAdmin)).standing;
  const pass = (ms: number) => {
    now += ms;
  };
  const quotas = async () => (await key.read(db, false)).quotas;
  return { store, standing, quotas, pass, forget: key.forget };
}

it("it acts for the first user until that user has a key, and again when it has none, known within ten seconds", async () => {
  const { store, standing, pass } = isolate();
  for (const acts of [true, false, true, false]) {
    store.acts = acts;
    pass(10_000);
    expect(await standing()).toBe(acts ? "acts" : "own_key");
    store.acts = !acts;
    pass(9_999);
    expect(await standing()).toBe(acts ? "acts" : "own_key");
  }
  expect(store.asked).toBe(4);
});

it("it is asked for at once where the first user's keys were changed", async () => {
  const { store, standing, forget } = isolate();
  expect(await standing()).toBe("acts");
  store.acts = false;
  forget();
  expect(await standing()).toBe("own_key");
});

it("an answer to an earlier question is not remembered after a change", async () => {
  const { store, standing, forget } = isolate();
  store.answered = async () => {
    store.answered = async () => {};
    store.acts = false;
    forget();
  };
  expect(await standing()).toBe("acts");
  expect(await standing()).toBe("own_key");
});

it("a setting decides without D1", async () => {
  const { store, standing } = isolate();
  expect(await standing(true)).toBe("setting");
  expect(store.asked).toBe(0);
});

it("the last answer counts while D1 fails: that it acts for a quarter of an hour, that it only administers for ever", async () => {
  for (const acts of [true, false]) {
    const { store, standing, pass } = isolate();
    store.acts = acts;
    await standing();
    store.isAway = true;
    for (let minute = 1; minute < 15; minute++) {
      pass(MINUTE);
      expect(await standing()).toBe(acts ? "acts" : "own_key");
    }
    pass(2 * MINUTE);
    expect(await standing()).toBe(acts ? "unknown" : "own_key");
  }
});

it("it only administers where nobody could be asked yet, and D1 is asked again after two seconds", async () => {
  const { store, standing, pass } = isolate();
  store.isAway = true;
  for (let tried = 0; tried < 5; tried++) expect(await standing()).toBe("unknown");
  expect(store.asked).toBe(1);
  store.isAway = false;
  pass(1_999);
  expect(await standing()).toBe("unknown");
  pass(1);
  expect(await standing()).toBe("acts");
});

it("it has the first user's quotas while it acts for that user, and none while it only administers", async () => {
  const { store, quotas, pass, forget } = isolate();
  store.quotas = '{"runs_per_minute":5}';
  expect(await quotas()).toEqual({ runs_per_minute: 5 });
  store.isAway = true;
  pass(MINUTE);
  expect(await quotas()).toEqual({ runs_per_minute: 5 });
  store.isAway = false;
  store.quotas = null;
  forget();
  expect(await quotas()).toBeNull();
  [store.acts, store.quotas] = [false, '{"runs_per_minute":5}'];
  forget();
  expect(await quotas()).toBeUndefined();
});
