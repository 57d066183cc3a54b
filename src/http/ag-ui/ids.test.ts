import { afterEach, expect, it, vi } from "vitest";
import { SentIds } from "./ids.ts";

afterEach(() => vi.restoreAllMocks());

const history = (count: number) => Array.from({ length: count }, (_, at) => ({ message_id: `m.${at}`, role: "user" }));

it("a history's ids are hashed once each, however often it has them, and ours not at all", async () => {
  const digest = vi.spyOn(crypto.subtle, "digest");
  const ids = new SentIds();
  const ours = { message_id: "m-1", role: "user" };
  const renamed = await ids.renameAll("msg", [...history(50), ours]);
  const found = await ids.findAll("msg", [...history(50), ours, ...history(50)]);
  expect(digest).toHaveBeenCalledTimes(50);
  expect(found.slice(0, 51)).toEqual(renamed);
  expect(found[50]).toBe(ours);
  expect(new Set(found.map(({ message_id }) => message_id)).size).toBe(51);
  // Only what is renamed is noted.
  expect(ids.list).toEqual(history(50).map(({ message_id }, at) => [renamed[at]?.message_id, message_id]));
});

it("others get a turn while the ids of a long history are hashed", async () => {
  let [turns, isOver] = [0, false];
  const take = (): void => {
    turns += 1;
    if (!isOver) setTimeout(take, 0);
  };
  setTimeout(take, 0);
  await new SentIds().findAll("msg", history(6_000));
  isOver = true;
  expect(turns).toBeGreaterThan(4);
});
