// How many wrong keys an address may bring, and how long it is remembered.
import { afterEach, expect, it, vi } from "vitest";
import type { AppContext } from "./context.ts";
import { Problem } from "./errors.ts";
import { createGuesses, networkOf } from "./guesses.ts";

afterEach(() => vi.restoreAllMocks());

function contextOf(address: string) {
  const context = { req: { header: () => address }, get: () => "request-1" };
  return { context: context as unknown as AppContext };
}

function world() {
  let now = 1_000_000;
  vi.spyOn(console, "warn").mockImplementation(() => {});
  const guesses = createGuesses(() => now);
  const isRefused = (address: string): boolean => {
    try {
      guesses.open(contextOf(address).context).fail();
      return false;
    } catch (error) {
      expect(error).toBeInstanceOf(Problem);
      return true;
    }
  };
  const exhaust = (address: string): void => {
    for (let tried = 0; tried < 30; tried++) expect(isRefused(address)).toBe(false);
    expect(isRefused(address)).toBe(true);
  };
  const pass = (ms: number): void => {
    now += ms;
  };
  return { guesses, isRefused, exhaust, pass };
}

it("an address may try thirty at once, and then one in six seconds", () => {
  const { guesses, isRefused, exhaust, pass } = world();
  exhaust("192.0.2.1");
  const { context } = contextOf("192.0.2.1");
  const look = () => guesses.open(context).look();
  expect(look).toThrow(expect.objectContaining({ failure: expect.objectContaining({ retry_after_s: 2 }) }));
  pass(1_499);
  expect(isRefused("192.0.2.1")).toBe(true);
  pass(1);
  expect(isRefused("192.0.2.1")).toBe(false);
  pass(5_999);
  expect(isRefused("192.0.2.1")).toBe(true);
  pass(1);
  expect(isRefused("192.0.2.1")).toBe(false);
  pass(3_600_000);
  exhaust("192.0.2.1");
});

it("a request counts once, and not at all if its key was right", () => {
  const { guesses, exhaust } = world();
  for (let request = 0; request < 100; request++) {
    const guess = guesses.open(contextOf("192.0.2.1").context);
    guess.look();
    guess.look();
    guess.giveBack();
    guess.giveBack();
  }
  exhaust("192.0.2.1");
});

it("a hundred requests may look at the same moment, and pay if all were wrong", () => {
  const { guesses, isRefused, pass } = world();
  const looking = Array.from({ length: 120 }, () => guesses.open(contextOf("192.0.2.1").context));
  for (const guess of looking) guess.look();
  expect(isRefused("192.0.2.1")).toBe(true);
  for (const guess of looking) guess.fail();
  pass(61_000);
  expect(isRefused("192.0.2.1")).toBe(true);
  pass(1_000);
  expect(isRefused("192.0.2.1")).toBe(false);
});

it("a request that its client has left is forgotten in time", () => {
  const { guesses, exhaust, pass } = world();
  for (let left = 0; left < 120; left++) guesses.open(contextOf("192.0.2.1").context).look();
  pass(180_000);
  exhaust("192.0.2.1");
});

it("floods from ever new addresses are forgotten, the oldest first, so that memory is bounded", () => {
  const { isRefused, exhaust } = world();
  exhaust("192.0.2.1");
  for (let host = 0; host < 4_999; host++) isRefused(`10.0.${host >> 8}.${host & 255}`);
  expect(isRefused("192.0.2.1")).toBe(true);
  for (let host = 0; host < 5_000; host++) isRefused(`10.1.${host >> 8}.${host & 255}`);
  expect(isRefused("192.0.2.1")).toBe(false);
});

it.each([
  ["192.0.2.1", "192.0.2.1"],
  ["2001:DB8:1:2::1", "2001:db8:1:2::/64"],
  ["2001:0db8:0001:0002:aaaa:bbbb:cccc:dddd", "2001:db8:1:2::/64"],
  ["2001:db8::1", "2001:db8:0:0::/64"],
  ["::1", "0:0:0:0::/64"],
  ["", ""],
])("the network of %s is %s", (address, network) => {
  expect(networkOf(address)).toBe(network);
});
