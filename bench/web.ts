// The cost of the web app in a browser, with a whole server: opening a thread of 2,000 messages, scrolling through it,
// and typing while 100 tokens a second arrive. Figures come from the browser's own clock and are medians of the rounds.
import type { Page } from "playwright-core";
import { openWebStage, type Visit, type WebStage } from "../test/setup/web-stage.ts";

/** A run of these has 100 messages: the user's, 98 results, and the two that called tools and ended. */
const callsPerRun = 97;
const runs = 20;

/** What a person scrolls past in a second or two. */
const scrollSteps = 240;
const scrollStepPx = 120;
const typedKeys = 150;

interface WebRound {
  open_ms: number;
  scroll_p50_ms: number;
  scroll_p95_ms: number;
  key_p50_ms: number;
  key_p95_ms: number;
}

export async function measureWeb(rounds: number): Promise<WebRound[]> {
  const stage = await openWebStage();
  try {
    await fillThread(stage);
    const measured: WebRound[] = [];
    for (let round = 0; round < rounds; round++) measured.push(await measureRound(stage));
    return measured;
  } finally {
    await stage.close();
  }
}

export function formatWeb(rounds: WebRound[]): string {
  const median = (pick: (round: WebRound) => number): string => {
    const sorted = rounds.map(pick).sort((one, other) => one - other);
    return (sorted[Math.floor(sorted.length / 2)] ?? 0).toFixed(0);
  };
  const rows = [
    ["a thread of 2,000 messages, from the address to its end in sight", median((round) => round.open_ms)],
    ["a frame while it is scrolled, p50", median((round) => round.scroll_p50_ms)],
    ["a frame while it is scrolled, p95", median((round) => round.scroll_p95_ms)],
    ["from a key to its picture at 100 tokens/s, p50", median((round) => round.key_p50_ms)],
    ["from a key to its picture at 100 tokens/s, p95", median((round) => round.key_p95_ms)],
  ];
  return ["| | ms |", "|---|--:|", ...rows.map(([name, ms]) => `| ${name} | ${ms} |`)].join("\n");
}

async function fillThread(stage: WebStage): Promise<void> {
  const text = "# Round\n\nSome **bold** text with `code`:\n\n- one\n- two\n\n```js\nconst a = 1;\n```\n";
  for (let run = 0; run < runs; run++) {
    const calls = Array.from(
      { length: callsPerRun },
      (_, index) => `[[tool read_result {"result_id":"r${run}-${index}"}]]`,
    );
    const message = `Round ${run} ${calls.join("")}[[then]][[text ${text}]]`;
    await stage.request("POST", "/v1/threads/long/runs?wait=1", { message });
  }
}

async function measureRound(stage: WebStage): Promise<WebRound> {
  const visit = await stage.visit({ locale: "en-GB", viewport: { width: 1440, height: 900 } });
  try {
    await visit.page.getByLabel("Message", { exact: true }).waitFor();
    const open_ms = await measureOpening(visit.page, new URL(stage.server.address).origin);
    const scroll = await measureScrolling(visit.page);
    const keys = await measureTyping(visit);
    return {
      open_ms,
      scroll_p50_ms: scroll.p50,
      scroll_p95_ms: scroll.p95,
      key_p50_ms: keys.p50,
      key_p95_ms: keys.p95,
    };
  } finally {
    await visit.close();
  }
}

/** Goes through an empty page first, so that everything is loaded again from the browser's cache. */
async function measureOpening(page: Page, origin: string): Promise<number> {
  await page.goto("about:blank");
  await page.goto(`${origin}/#thread=long`, { waitUntil: "commit" });
  return page.evaluate<number>(
    `new Promise((done) => {
      const look = () => {
        const said = [...document.querySelectorAll("[data-answer]")].at(-1)?.textContent ?? "";
        if (said.includes("const a = 1")) done(performance.now());
        else requestAnimationFrame(look);
      };
      look();
    })`,
  );
}

async function measureScrolling(page: Page): Promise<{ p50: number; p95: number }> {
  const frames = await page.evaluate<number[]>(
    `(async () => {
      const log = document.querySelector("[role=log]");
      const times = [];
      let last = performance.now();
      for (let step = 0; step < ${scrollSteps}; step++) {
        log.scrollTop -= ${scrollStepPx};
        await new Promise(requestAnimationFrame);
        const now = performance.now();
        times.push(now - last);
        last = now;
      }
      return times;
    })()`,
  );
  return percentiles(frames);
}

async function measureTyping({ page, send }: Visit): Promise<{ p50: number; p95: number }> {
  await page.getByRole("button", { name: "New conversation" }).first().click();
  await send("[[say 3000]] [[pace 100]]");
  await page.locator("[data-answer]").getByText("word word").waitFor();
  await page.evaluate(
    `(() => {
      window.keys = [];
      new PerformanceObserver((list) => {
        for (const entry of list.getEntries()) if (entry.name === "keydown") window.keys.push(entry.duration);
      }).observe({ type: "event", durationThreshold: 16 });
    })()`,
  );
  await page.keyboard.type("a".repeat(typedKeys), { delay: 60 });
  const keys = await page.evaluate<number[]>("window.keys");
  await page.keyboard.press("Escape");
  // An event faster than the browser measures counts with the smallest figure.
  return percentiles([...keys, ...Array.from({ length: Math.max(0, typedKeys - keys.length) }, () => 16)]);
}

function percentiles(figures: number[]): { p50: number; p95: number } {
  const sorted = figures.toSorted((one, other) => one - other);
  const at = (share: number): number => sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? 0;
  return { p50: at(0.5), p95: at(0.95) };
}
