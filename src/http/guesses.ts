// Slows down who guesses keys. A client address may bring some keys and tickets that this isolate does not know; beyond
// that they are refused before D1 is read. A key that is right costs nothing in the end. Keys that are known here pass
// meanwhile, so nobody at the same address (an office, a carrier) is kept out by a neighbour.
//
// In memory, for each isolate: Cloudflare's rate limits can't give back what turned out to be right
// (docs/decisions/0069-wrong-keys.md).
import { toHex } from "../lib/hash.ts";
import { logWarning } from "../lib/log.ts";
import { putNewest } from "../lib/memory/newest.ts";
import type { AppContext, Guesses } from "./context.ts";
import { Problem } from "./errors.ts";

/** A person tries a handful of keys, a new release of a client with an old key a few: thirty, one after another. */
const ALLOWANCE = 120;
/** Taken while D1 is read: a page begins with ten requests at once, and an office with several pages. */
const COST_OF_LOOKING = 1;
/** Beside that, once the key is known to be wrong. */
const COST_OF_WRONG = 3;
/** Ten wrong keys in a minute: a short admin key of random letters withstands that for years. */
const REFILL_MS = 1_500;
/** What many wrong keys at the same moment can owe: a minute, since neighbours wait, too. */
const MAX_DEBT = 40;
/** Some hundred bytes each. Beyond this number the oldest starts anew. */
const MAX_ADDRESSES = 5_000;
/** The longest form of an IPv6 address has 45. */
const ADDRESS_CHARACTERS = 64;
/**
 * A client with a key that was deleted may send it for days, and must not use up what its neighbours have. Repeated, a
 * wrong key is refused from memory for so long. A guess is never repeated.
 */
const REPEATED_MS = 60_000;
const MAX_REPEATED = 1_000;
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
  /** Hashes of wrong keys, and until when they count as repeated. */
  const wrong = new Map<string, number>();

  function remember(hash: string): void {
    putNewest(wrong, hash, now() + REPEATED_MS, MAX_REPEATED);
  }

  function read(address: string): Tried {
    const known = addresses.get(address);
    if (known === undefined) return { left: ALLOWANCE, at: now(), logged_at: Number.NEGATIVE_INFINITY };
    const left = Math.min(ALLOWANCE, known.left + (now() - known.at) / REFILL_MS);
    return { ...known, left, at: now() };
  }

  function write(address: string, tried: Tried): void {
    if (tried.left < ALLOWANCE) putNewest(addresses, address, tried, MAX_ADDRESSES);
    else addresses.delete(address);
  }

  function take(address: string, cost: number): void {
    const tried = read(address);
    write(address, { ...tried, left: Math.min(ALLOWANCE, Math.max(-MAX_DEBT, tried.left - cost)) });
  }

  function check(context: AppContext, address: string): void {
    const tried = read(address);
    if (tried.left >= COST_OF_LOOKING) return;
    if (now() - tried.logged_at > LOGGED_MS) {
      write(address, { ...tried, logged_at: now() });
      logWarning("wrong_keys", { request_id: context.get("request_id"), address });
    }
    const wait_s = Math.ceil(((COST_OF_LOOKING - tried.left) * REFILL_MS) / 1000);
    throw new Problem("rate_limited", "Too many wrong keys came from this address. Try again later.", false, wait_s);
  }

  return {
    open(context) {
      const addressOf = () => networkOf((context.req.header("cf-connecting-ip") ?? "").slice(0, ADDRESS_CHARACTERS));
      let isLooking = false;
      const look = () => {
        if (isLooking) return;
        const address = addressOf();
        check(context, address);
        take(address, COST_OF_LOOKING);
        isLooking = true;
      };
      return {
        check: () => check(context, addressOf()),
        look,
        giveBack() {
          if (isLooking) take(addressOf(), -COST_OF_LOOKING);
          isLooking = false;
        },
        isRepeated: async (hash) => wrong.size > 0 && (wrong.get(toHex(await hash())) ?? 0) > now(),
        fail() {
          look();
          take(addressOf(), COST_OF_WRONG);
        },
        remember: (hash) => remember(toHex(hash)),
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
