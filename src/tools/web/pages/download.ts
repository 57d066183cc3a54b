// From an address to its bytes: up to five redirects, each of which must lead to an address that may be fetched, within
// one limit of time for all of it.
import { type Send, sendAnywhere } from "../../../lib/network/send.ts";
import { cutEnd } from "../../../lib/truncate.ts";
import { isPrivateOrigin, type WebRules } from "../readable.ts";
import { checkAddress } from "./address.ts";
import { BUSY, type HostTurns } from "./hosts.ts";
import { type Answer, type RequestLimits, request } from "./request.ts";
import { askRobots, MAX_ROBOTS_BYTES, type Robots } from "./robots.ts";
import type { ContentType } from "./types.ts";

export interface DownloadSettings extends WebRules {
  /** For all but the private origins. */
  send: Send;
  user_agent: string;
  /** Null: robots.txt is not asked. */
  robots: Robots | null;
  hosts: HostTurns;
  body_bytes: number;
  /** For a page with all its redirects, without the wait for other requests to its host. */
  time_ms: number;
}

export type Download =
  | { ok: true; url: string; type: ContentType; bytes: Uint8Array }
  /** Complete sentences. */
  | { ok: false; message: string };

const MAX_REDIRECTS = 5;
/** Of an address within a sentence. */
const MAX_SHOWN = 500;

/** Rejects only when the signal aborts. */
export async function download(address: URL, settings: DownloadSettings, signal: AbortSignal): Promise<Download> {
  let url = address;
  const clock = startClock(settings.time_ms);
  for (let redirects = 0; ; redirects += 1) {
    const answer = await ask(url, settings, clock, signal);
    if (answer.kind === "page") return { ok: true, url: url.href, type: answer.type, bytes: answer.bytes };
    const from = redirects === 0 ? "" : `The address redirects to ${cutEnd(url.href, MAX_SHOWN)}. `;
    if (answer.kind === "refused") return { ok: false, message: `${from}${answer.message}` };
    if (redirects === MAX_REDIRECTS) {
      return {
        ok: false,
        message: `The address redirects more than ${MAX_REDIRECTS} times and was left: look for another address of the page.`,
      };
    }
    const to = URL.parse(answer.to, url);
    const checked = to === null ? { wrong: "is not a valid address" } : checkAddress(to.href, settings);
    if ("wrong" in checked) {
      return { ok: false, message: `The address redirects to one that ${checked.wrong}.` };
    }
    url = checked.url;
  }
}

/** The time that is left, spent only while it runs. */
export interface Clock {
  /** Null when the time is up. Rejects when the signal aborts. */
  run<T>(signal: AbortSignal, work: (signal: AbortSignal) => Promise<T>): Promise<T | null>;
}

export function startClock(time_ms: number): Clock {
  let left = time_ms;
  return {
    async run(signal, work) {
      const started = Date.now();
      const late = new AbortController();
      const timer = setTimeout(() => late.abort(new DOMException("too late", "TimeoutError")), Math.max(0, left));
      try {
        return await work(AbortSignal.any([signal, late.signal]));
      } catch (error) {
        if (late.signal.aborted && !signal.aborted) return null;
        throw error;
      } finally {
        clearTimeout(timer);
        left -= Date.now() - started;
      }
    },
  };
}

async function ask(url: URL, settings: DownloadSettings, clock: Clock, signal: AbortSignal): Promise<Answer> {
  const { body_bytes, time_ms } = settings;
  const answer = await visit(url, settings, clock, signal, (means, each) =>
    request(url, { body_bytes, ...means }, each),
  );
  if (typeof answer === "string") return refuse(answer);
  return (
    answer ?? refuse(`The site was too slow: it had ${time_ms / 1000} s. Try once more, or look for another source.`)
  );
}

/**
 * Does the work in its turn, if the site's robots.txt has nothing against it. A sentence: nothing was asked. Null: the
 * time is up.
 */
export async function visit<Seen extends object>(
  url: URL,
  settings: DownloadSettings,
  clock: Clock,
  signal: AbortSignal,
  work: Work<Seen>,
): Promise<Seen | string | null> {
  const { robots } = settings;
  if (robots !== null) {
    const allowed = await askRobots(robots, url, (file) => readRobots(file, settings, clock, signal));
    if (allowed === "no")
      return "The site's robots.txt asks programs not to read this page, and this server obeys it: look for another source.";
    if (allowed === "unknown")
      return "The site's robots.txt could not be read, so this server does not know whether it may read the page: try once more later, or look for another source.";
  }
  const seen = await inTurn(url, settings, clock, signal, work);
  return seen === BUSY
    ? "Other requests to this site are still under way, and it is asked one at a time: try again in a minute."
    : seen;
}

type Work<Seen> = (means: Pick<RequestLimits, "send" | "user_agent">, signal: AbortSignal) => Promise<Seen>;

/** Null when the time is up. */
function inTurn<Seen>(
  url: URL,
  { user_agent, private_origins, send, hosts }: DownloadSettings,
  clock: Clock,
  signal: AbortSignal,
  work: Work<Seen>,
): Promise<Seen | typeof BUSY | null> {
  // Each redirect is judged for itself.
  const means = { user_agent, send: isPrivateOrigin(private_origins, url) ? sendAnywhere : send };
  return hosts.use(url, signal, () => clock.run(signal, (each) => work(means, each)));
}

/** "" where the site has none: every answer that says so means that all is allowed. */
async function readRobots(
  file: URL,
  settings: DownloadSettings,
  clock: Clock,
  signal: AbortSignal,
): Promise<string | null> {
  let url = file;
  for (let redirects = 0; redirects <= MAX_REDIRECTS; redirects += 1) {
    const { href } = url;
    const answer = await inTurn(url, settings, clock, signal, (means, each) =>
      request(new URL(href), { body_bytes: MAX_ROBOTS_BYTES, ...means }, each),
    );
    if (answer === BUSY || answer === null) return null;
    if (answer.kind === "page") return new TextDecoder().decode(answer.bytes);
    if (answer.kind === "refused") return saysNone(answer.status) ? "" : null;
    const checked = checkAddress(URL.parse(answer.to, url)?.href ?? "", settings);
    if ("wrong" in checked) return "";
    url = checked.url;
  }
  return "";
}

function refuse(message: string): Answer {
  return { kind: "refused", message, status: null };
}

/** No content, or refused for good: RFC 9309 reads both as "all is allowed". */
function saysNone(status: number | null): boolean {
  return status !== null && (status < 300 || (status >= 400 && status < 500 && status !== 429));
}
