// Reads pages of the web, for the model. What comes back is data: it stands in a fence, with the number by which an
// answer cites it.
import { z } from "zod";
import { lenientObject } from "../../agent/calls/leniency.ts";
import type { Source, Sources } from "../../agent/sources.ts";
import { defineTool, type Tool, type ToolContext, type ToolResult } from "../../agent/tool.ts";
import type { FetchSettings } from "../../config/fetch.ts";
import type { Config } from "../../config.ts";
import { hashText, toHex } from "../../lib/hash.ts";
import { sendAnywhere } from "../../lib/network/send.ts";
import { cutEnd } from "../../lib/truncate.ts";
import { lookupsUsedUp } from "../../protocol/money/quotas.ts";
import { cleanLine, fence } from "./fence.ts";
import { checkAddress } from "./pages/address.ts";
import { type DownloadSettings, download } from "./pages/download.ts";
import { createHostTurns } from "./pages/hosts.ts";
import { readPage } from "./pages/read.ts";
import { createRobots, ROBOT_NAME } from "./pages/robots.ts";

/** The wait for other requests to the site, the download, and for a PDF the start of a sandbox that reads it. */
const TIME_LIMIT_MS = 300_000;
/** About 5,000 tokens, as `read_result` shows. */
const MAX_SHOWN_CHARACTERS = 20_000;
/** Articles have less HTML, nearly always; what has more is data. */
const MAX_BODY_BYTES = 2_000_000;
const DOWNLOAD_MS = 20_000;
const MAX_TITLE = 300;

/** For all threads of the isolate. Both hold text and times only, no connection. */
const hosts = createHostTurns();
const robots = createRobots();

const input = lenientObject(
  {
    url: z.string().trim().min(1).max(8000).describe("The whole address"),
    offset: z.int().min(0).max(10_000_000).default(0).describe("Character to begin at, where a page has more parts"),
  },
  { aliases: { url: ["uri", "link", "address", "href"], offset: ["start", "start_index"] } },
);

/** How this server asks sites. `own.send` is for all but the private origins; other parts are for tests. */
export function downloadSettings(
  { fetch: settings, search }: Pick<Config, "fetch" | "search">,
  own: Partial<DownloadSettings>,
): DownloadSettings {
  return {
    domains: settings.domains,
    private_origins: search.private_origins,
    user_agent: settings.contact === null ? ROBOT_NAME : `${ROBOT_NAME} (+${settings.contact})`,
    robots: settings.robots ? robots : null,
    hosts,
    body_bytes: MAX_BODY_BYTES,
    time_ms: DOWNLOAD_MS,
    send: sendAnywhere,
    ...own,
  };
}

export function createFetchTools(
  config: Pick<Config, "fetch" | "search">,
  own: Partial<DownloadSettings> = {},
): Tool[] {
  const { fetch: settings } = config;
  if (!settings.offered) return [];
  const used = downloadSettings(config, own);
  return [
    defineTool({
      name: "fetch_url",
      description: describeTool(settings),
      schema: input,
      kind: "work",
      read_only: true,
      recovery: "repeat",
      time_limit_ms: TIME_LIMIT_MS,
      subjects: ({ url }) => [url],
      barsAddress: (address, sources) => barAddress(address, sources, settings, used),
      execute: (given, context) => fetchUrl(given, context, settings, used),
    }),
  ];
}

function describeTool({ named_only }: FetchSettings): string {
  const named = named_only ? " The address must come from the person or a result." : "";
  return `Read a web page, PDF or text file by its address: the main content as Markdown, with a number to cite it by; long ones in parts.${named} Not for a repository's files (clone it) or an API with a key (use the sandbox).`;
}

type Given = z.infer<typeof input>;

async function fetchUrl(
  given: Given,
  context: ToolContext,
  settings: FetchSettings,
  used: DownloadSettings,
): Promise<ToolResult> {
  const barred = barAddress(given.url, context.sources, settings, used);
  if (barred !== null) return refuse(barred);
  const checked = checkAddress(given.url, used);
  if ("wrong" in checked) return refuse(`The address ${checked.wrong}.`);
  const { url } = checked;
  const kept = await readKept(url, context, used).catch((error: unknown) => {
    if (error instanceof NotRead) return error;
    throw error;
  });
  return kept instanceof NotRead ? refuse(kept.message, { url: url.href }) : showPage(url, kept, given.offset, context);
}

/** Asked when the model writes a check with an address, too. */
function barAddress(
  address: string,
  sources: Pick<Sources, "isNamed">,
  { problem, named_only }: FetchSettings,
  used: DownloadSettings,
): string | null {
  if (problem !== null)
    return `A setting of this server is wrong, so fetch_url reads nothing. Tell the person, for its operator: ${problem}`;
  const checked = checkAddress(address, used);
  if ("wrong" in checked) return `The address ${checked.wrong}.`;
  return named_only && !isNamed(sources, address, checked.url) ? NOT_NAMED : null;
}

const NOT_NAMED =
  "Neither the person nor a result named this address, so it is not fetched: an address that is made up may not exist, or may carry out what should stay here. Use one exactly as a message, a search result or a page has it, or ask the person to give you the address.";

/** As a person may have written it. What follows the host must be named as it is: it could spell out a secret. */
function isNamed(sources: Pick<Sources, "isNamed">, given: string, url: URL): boolean {
  const { href } = url;
  const whole = [href, ...readable(href)];
  const bare = whole.map((form) => form.replace(/^https?:\/\/(?:www\.)?/, ""));
  // A phone begins a sentence with a capital, and in a host that makes no difference.
  const forms = [given, ...whole, ...bare, ...bare.map((form) => form.charAt(0).toUpperCase() + form.slice(1))];
  const other = href.startsWith("https:") ? href.replace("https:", "http:") : href.replace("http:", "https:");
  return sources.isNamed(...new Set([...forms, other]));
}

/**
 * Without the escapes, where that is the same address. `secret%5C..%5Cpage` would become `page` as it is parsed, and
 * spaces at an end and line ends would be gone.
 */
function readable(href: string): string[] {
  try {
    const decoded = decodeURI(href);
    return URL.parse(decoded)?.href === href ? [decoded] : [];
  } catch {
    return [];
  }
}

/** What the run keeps of a page. */
interface Kept {
  url: string;
  title: string | null;
  date: string | null;
  text: string;
  by_sandbox: boolean;
  notes: string[];
  read: { at: string; hash: string };
}

/** Leaves the run's cache, which keeps only what was read. */
class NotRead extends Error {}

async function readKept(url: URL, context: ToolContext, used: DownloadSettings): Promise<Kept> {
  const json = await context.cache(`fetch_url ${url.href}`, async () => {
    const refusal = await context.takeUse();
    if (refusal !== null) throw new NotRead(describeUsed(refusal.retry_after_s ?? 0));
    const found = await download(url, used, context.signal);
    if (!found.ok) throw new NotRead(found.message);
    const reading = await readPage(found.url, found, context);
    if (!reading.ok) throw new NotRead(reading.message);
    const { title, date, text, by_sandbox = false, notes } = reading.page;
    const read = { at: new Date(context.now()).toISOString(), hash: toHex(await hashText(text)) };
    return JSON.stringify({ url: found.url, title, date, text, by_sandbox, notes, read } satisfies Kept);
  });
  return JSON.parse(json) as Kept;
}

function describeUsed(seconds: number): string {
  return `${lookupsUsedUp(seconds)}: don't try it again before. Go on with what you have read, and say which facts could not be looked up.`;
}

function showPage(url: URL, kept: Kept, offset: number, context: ToolContext): ToolResult {
  const { text, read, notes } = kept;
  if (offset > 0 && offset >= text.length) {
    return refuse(`The page has ${text.length} characters; offset ${offset} is after its end.`, { url: url.href });
  }
  const start = offset > 0 && /[\udc00-\udfff]/.test(text.charAt(offset)) ? offset - 1 : offset;
  const shown = cutEnd(text.slice(start), MAX_SHOWN_CHARACTERS);
  const end = start + shown.length;
  const title = cleanLine(kept.title ?? "", MAX_TITLE) || null;
  const date = cleanLine(kept.date ?? "", 40) || null;
  const source: Source = { n: context.sources.number(url.href), url: url.href, title, date, read };
  const head = [...(title === null ? [] : [`Title: ${title}`]), ...(date === null ? [] : [`Published: ${date}`])];
  const body = [...(start === 0 && head.length > 0 ? [head.join("\n")] : []), shown].join("\n\n");
  const lines = [
    `[${source.n}] ${url.href}`,
    ...(kept.url === url.href ? [] : [`Redirected to: ${kept.url}`]),
    `Fetched: ${read.at}`,
    fence({ n: source.n, host: url.host }, body),
    ...describePart(start, end, text.length),
    ...notes.map((note) => `Note: ${cleanLine(note, 600)}`),
  ];
  const details = { url: url.href, title, offset: start, characters: shown.length, total: text.length };
  return { content: lines.join("\n"), is_error: false, details, sources: [source], names_addresses: !kept.by_sandbox };
}

function describePart(start: number, end: number, total: number): string[] {
  if (start === 0 && end === total) return [];
  const next = end < total ? `; to go on, call fetch_url with this url and offset ${end}` : "";
  return [`[characters ${start}-${end} of ${total}${next}]`];
}

function refuse(content: string, details?: Record<string, unknown>): ToolResult {
  return { content, is_error: true, ...(details === undefined ? {} : { details }) };
}
