import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { freeSpending } from "../../../agent/spending.ts";
import type { SearchServiceName } from "../../../config/search.ts";
import type { Failure } from "../../../protocol/error.ts";
import { exceeded } from "../../../protocol/money/quotas.ts";
import { type Asking, askInOrder } from "./ask-in-order.ts";
import { createResting, restingOf } from "./resting.ts";
import type { SearchFailure, SearchOutcome, SearchRequest, SearchService } from "./search-service.ts";

const request: SearchRequest = { query: "what only the person knows", count: 10, freshness: null, domains: [] };
const answer: SearchOutcome = { ok: true, pages: [{ url: "https://a.example/", title: "A", date: null, passage: "" }] };
const failure = (reason: SearchFailure["reason"], retry_after_ms: number | null = null): SearchOutcome => ({
  ok: false,
  failure: { reason, status: 400, retry_after_ms },
});
const signal = new AbortController().signal;

let clock = 0;
let asked: string[] = [];
let logged: string[] = [];
/** What counts searches refuses, and how often it was asked. */
let usedUp: Failure | null = null;
let taken = 0;

beforeEach(() => {
  [clock, asked, logged, usedUp, taken] = [1_000_000, [], [], null, 0];
  vi.spyOn(console, "warn").mockImplementation((line: string) => logged.push(line));
});
afterEach(() => vi.restoreAllMocks());

/** Answers with its outcomes one after the other, the last one for ever. `takes` ms each. */
function service(name: SearchServiceName, outcomes: SearchOutcome[], takes = 100): SearchService {
  return {
    name,
    search: async (_request, { limit_ms }) => {
      asked.push(name);
      clock += Math.min(takes, limit_ms);
      const [outcome] = outcomes.length > 1 ? outcomes.splice(0, 1) : outcomes;
      return outcome ?? answer;
    },
  };
}

function asking(services: SearchService[], resting = createResting()): Asking {
  return {
    services,
    resting,
    now: () => clock,
    spending: freeSpending,
    take: async () => {
      taken += 1;
      return usedUp;
    },
    sleep: async (ms) => {
      asked.push(`wait ${ms}`);
      clock += ms;
    },
  };
}

describe("the searches of a day", () => {
  const used = exceeded("lookups_per_day", 5, 7_200);
  const modelService = (outcomes: SearchOutcome[]) => ({ ...service("model", outcomes), asks_model: true as const });

  it("are counted once for each search, whichever services it asks and however often", async () => {
    const limited = service("brave", [failure("rate_limited", 500), failure("unavailable")]);
    await askInOrder(
      asking([limited, service("exa", [failure("timeout")]), service("bocha", [answer])]),
      request,
      signal,
    );
    await askInOrder(asking([service("exa", [failure("rate_limited", 500), answer])]), request, signal);
    expect([asked, taken]).toEqual([["brave", "exa", "bocha", "exa", "wait 500", "exa"], 2]);
  });

  it("are not counted where only a model is asked, nor where all services rest", async () => {
    await askInOrder(asking([modelService([answer])]), request, signal);
    const resting = createResting();
    resting.note("brave", { reason: "account_empty", status: 402, retry_after_ms: null }, clock);
    await askInOrder(asking([service("brave", [answer])], resting), request, signal);
    expect([asked, taken]).toEqual([["model"], 0]);
  });

  it("leave a search that asks a model once they are used up, and no service is asked beside", async () => {
    usedUp = used;
    const services = [service("brave", [answer]), service("exa", [answer])];
    const refused = await askInOrder(asking(services), request, signal);
    const failed = { reason: "over_quota", status: null, retry_after_ms: 7_200_000 };
    expect(refused).toEqual({ ok: false, failures: [failed, failed] });
    expect([asked, taken]).toEqual([[], 1]);
    const found = await askInOrder(asking([...services, modelService([answer])]), request, signal);
    expect(found).toMatchObject({ ok: true, service: "model" });
    expect(asked).toEqual(["model"]);
  });
});

describe("several services", () => {
  it("are asked in order until one answers", async () => {
    const services = [service("brave", [failure("unavailable")]), service("exa", [answer]), service("bocha", [answer])];
    expect(await askInOrder(asking(services), request, signal)).toMatchObject({ ok: true, service: "exa" });
    expect(asked).toEqual(["brave", "exa"]);
  });

  it.each(["timeout", "rate_limited", "account_empty", "key_refused", "bad_request", "unreadable", "moved"] as const)(
    "are asked on after %s",
    async (reason) => {
      const services = [service("brave", [failure(reason, 60_000)]), service("exa", [answer])];
      expect(await askInOrder(asking(services), request, signal)).toMatchObject({ ok: true, service: "exa" });
    },
  );

  it("say why, each once, if none answers", async () => {
    const services = [service("brave", [failure("timeout")]), service("exa", [failure("bad_request")])];
    expect(await askInOrder(asking(services), request, signal)).toMatchObject({
      ok: false,
      failures: [{ reason: "timeout" }, { reason: "bad_request" }],
    });
    expect(asked).toEqual(["brave", "exa"]);
  });

  it("get no more time together than a search has", async () => {
    const names = ["tavily", "brave", "exa", "serper", "searxng"] as const;
    const slow = names.map((name) => service(name, [failure("timeout")], 60_000));
    const start = clock;
    expect(await askInOrder(asking(slow), request, signal)).toMatchObject({ ok: false });
    expect(clock - start).toBe(30_000);
    expect(asked).toEqual(["tavily", "brave", "exa"]);
  });
});

describe("an empty account and a refused key", () => {
  it.each(["account_empty", "key_refused"] as const)("are not asked again for five minutes (%s)", async (reason) => {
    const resting = createResting();
    const services = [service("brave", [failure(reason)]), service("exa", [answer])];
    await askInOrder(asking(services, resting), request, signal);
    await askInOrder(asking(services, resting), request, signal);
    expect(asked).toEqual(["brave", "exa", "exa"]);
    clock += 5 * 60_000;
    await askInOrder(asking(services, resting), request, signal);
    expect(asked.slice(3)).toEqual(["brave", "exa"]);
  });

  it("are remembered for all objects with these keys, and not for other keys", async () => {
    const restingFor = (access: string) => restingOf({ services: [{ name: "brave", access }] });
    const services = [service("brave", [failure("key_refused")])];
    for (const key of ["old-key", "old-key", "new-key"]) {
      await askInOrder(asking(services, restingFor(key)), request, signal);
    }
    expect(asked).toEqual(["brave", "brave"]);
  });

  it("are a failure at once if there is no other service", async () => {
    const resting = createResting();
    const services = [service("brave", [failure("account_empty")])];
    await askInOrder(asking(services, resting), request, signal);
    expect(await askInOrder(asking(services, resting), request, signal)).toMatchObject({
      ok: false,
      failures: [{ reason: "account_empty" }],
    });
    expect(asked).toEqual(["brave"]);
  });
});

describe("a rate limit", () => {
  it("of a second is waited for where no other service answers", async () => {
    const services = [service("brave", [failure("rate_limited", 1000), answer])];
    expect(await askInOrder(asking(services), request, signal)).toMatchObject({ ok: true, service: "brave" });
    expect(asked).toEqual(["brave", "wait 1000", "brave"]);
  });

  it("without a time is waited for a second, and not for ever", async () => {
    const services = [service("exa", [failure("timeout")]), service("serper", [failure("rate_limited")])];
    expect(await askInOrder(asking(services), request, signal)).toMatchObject({ ok: false });
    const again = ["wait 1100", "serper"];
    expect(asked).toEqual(["exa", "serper", ...again, ...again, ...again, ...again]);
  });

  it("that is longer is stated to the model, with the time that is left of it", async () => {
    const resting = createResting();
    const services = [service("brave", [failure("rate_limited", 60_000)], 0)];
    await askInOrder(asking(services, resting), request, signal);
    clock += 20_000;
    expect(await askInOrder(asking(services, resting), request, signal)).toMatchObject({
      ok: false,
      failures: [{ reason: "rate_limited", retry_after_ms: 40_000 }],
    });
    expect(asked).toEqual(["brave"]);
  });
});

it("logs each failure with its service and reason, and without the query", async () => {
  const services = [service("brave", [failure("key_refused")]), service("exa", [failure("rate_limited", 60_000)])];
  await askInOrder(asking(services), request, signal);
  expect(logged.map((line) => JSON.parse(line) as unknown)).toEqual([
    {
      level: "warning",
      event: "search_failed",
      service: "brave",
      reason: "key_refused",
      status: 400,
      retry_after_ms: null,
    },
    {
      level: "warning",
      event: "search_failed",
      service: "exa",
      reason: "rate_limited",
      status: 400,
      retry_after_ms: 60_000,
    },
  ]);
  expect(logged.join()).not.toContain("person");
});
