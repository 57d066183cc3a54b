// Slows down who guesses keys. Each client address may bring a number of keys and tickets that this isolate does not
// know; those that turn out to be right are given back. Beyond the number they are refused before D1 is read. Keys that
// are known here pass meanwhile, so nobody at the same address (an office, a carrier) is kept out by a neighbour.
//
// In memory, for each isolate: Cloudflare's rate limits can't give back what turned out to be right, and a new isolate
// that reads D1 for thirty wrong keys costs nothing worth a call on the way (docs/decisions/0069-wrong-keys.md).
import { logWarning } from "../lib/log.ts";
import type { AppContext, Guesses } from "./context.ts";
import { Problem } from "./errors.ts";

/** A person tries a handful of keys, a new release of a client with an old key a few. */
const MAX_GUESSES = 30;
/** Ten in a minute: a short admin key of random letters withstands that for years. */
const REFILL_MS = 6_000;
/** Some hundred bytes each. Beyond this number the oldest starts anew. */
const MAX_ADDRESSES = 5_000;
/** The longest form of an IPv6 address has 45. */
const ADDRESS_CHARACTERS = 64;
/** An attack is one line in the log in this time, not one for each request. */
const LOGGED_MS = 60_000;

interface Tried {
  left: number;
  /** When `left` was computed. */
  at: number;
  logged_at: number;
}

export function createGuesses(now: () => number = Date.now): Guesses {
  const addresses = new Map<string, Tried>();

  function read(address: string): Tried {
    const known = addresses.get(address);
    if (known === undefined) return { left: MAX_GUESSES, at: now(), logged_at: Number.NEGATIVE_INFINITY };
    const left = Math.min(MAX_GUESSES, known.left + (now() - known.at) / REFILL_MS);
    return { ...known, left, at: now() };
  }

  function write(address: string, tried: Tried): void {
    addresses.delete(address);
    if (tried.left < MAX_GUESSES) addresses.set(address, tried);
    const [oldest] = addresses.keys();
    if (addresses.size > MAX_ADDRESSES && oldest !== undefined) addresses.delete(oldest);
  }

  function refuse(context: AppContext, address: string, tried: Tried): never {
    if (now() - tried.logged_at > LOGGED_MS) {
      write(address, { ...tried, logged_at: now() });
      logWarning("wrong_keys", { request_id: context.get("request_id"), address });
    }
    context.header("retry-after", String(Math.ceil(((1 - tried.left) * REFILL_MS) / 1000)));
    throw new Problem("rate_limited", "Too many wrong keys came from this address. Try again later.", false);
  }

  return {
    open(context) {
      const addressOf = () => networkOf((context.req.header("cf-connecting-ip") ?? "").slice(0, ADDRESS_CHARACTERS));
      let isCounted = false;
      return {
        check() {
          if (addresses.size === 0) return;
          const address = addressOf();
          const tried = read(address);
          if (tried.left < 1) refuse(context, address, tried);
        },
        count() {
          if (isCounted) return;
          const address = addressOf();
          const tried = read(address);
          if (tried.left < 1) refuse(context, address, tried);
          write(address, { ...tried, left: tried.left - 1 });
          isCounted = true;
        },
        giveBack() {
          if (!isCounted) return;
          const address = addressOf();
          const tried = read(address);
          write(address, { ...tried, left: Math.min(MAX_GUESSES, tried.left + 1) });
          isCounted = false;
        },
      };
    },
  };
}

/** The first four groups of an IPv6 address: one customer has all addresses that begin with them. */
export function networkOf(address: string): string {
  const [head = "", tail] = address.toLowerCase().split("::");
  if (!address.includes(":")) return address;
  const before = head === "" ? [] : head.split(":");
  const after = tail === undefined || tail === "" ? [] : tail.split(":");
  const between =
    tail === undefined ? [] : Array.from({ length: Math.max(0, 8 - before.length - after.length) }, () => "0");
  const groups = [...before, ...between, ...after].slice(0, 4).map((group) => group.replace(/^0+(?=.)/, ""));
  return `${groups.join(":")}::/64`;
}
