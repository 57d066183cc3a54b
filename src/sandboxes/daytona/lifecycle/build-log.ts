// Follows the log of an image's build. Keeps only the last lines, however much the build prints.
import type { SdkSandbox } from "../client/sdk.ts";

/** Longer lines are cut: the rest explains nothing. */
const MAX_LINE_CHARACTERS = 300;

/** Enough to explain a failure. */
const KEPT_LINES = 30;

/** How many lines one report shows. */
const REPORTED_LINES = 5;

/** The log of a build that prints more than this is no longer followed; its state is. */
const MAX_LOG_CHARACTERS = 16 * 1024 * 1024;

/** The shortest time between two reports: a build may print thousands of lines a second. */
const REPORT_MS = 1_000;

/** How long to wait before reading again a log that did not exist yet or whose connection broke. */
const RETRY_MS = 2_000;

/** The time limit for reading the log of an ended build. */
const LAST_READ_MS = 5_000;

export interface BuildLogSettings {
  api_url: string;
  api_key: string;
}

export class DaytonaBuildLog {
  readonly #settings: BuildLogSettings;
  #lines: string[] = [];
  #unfinished = "";
  #hasNewLines = false;
  #takenAt = 0;
  #reading: { end: AbortController; done: Promise<void> } | null = null;
  #triedAt = 0;

  constructor(settings: BuildLogSettings) {
    this.#settings = settings;
  }

  /** Reads in the background. Call repeatedly while the image is built. */
  follow(sandbox: SdkSandbox): void {
    if (this.#reading !== null || Date.now() - this.#triedAt < RETRY_MS) return;
    this.#triedAt = Date.now();
    const end = new AbortController();
    const done = this.#read(sandbox, "follow", end.signal).then(() => {
      this.#reading = null;
      this.#triedAt = Date.now();
    });
    this.#reading = { end, done };
  }

  /** The last lines; null if there are no new ones, or the last ones were taken a moment ago. */
  takeLines(): string | null {
    if (!this.#hasNewLines || Date.now() - this.#takenAt < REPORT_MS) return null;
    this.#hasNewLines = false;
    this.#takenAt = Date.now();
    return this.#lines.slice(-REPORTED_LINES).join("\n");
  }

  /** The last lines of a build that has ended. */
  async readEnd(sandbox: SdkSandbox, lines: number): Promise<string> {
    await this.stop();
    await this.#read(sandbox, "whole", AbortSignal.timeout(LAST_READ_MS));
    return this.#lines.slice(-lines).join("\n");
  }

  async stop(): Promise<void> {
    this.#reading?.end.abort();
    await this.#reading?.done;
  }

  /** Never rejects: without the log the sandbox's state still shows the progress. */
  async #read(sandbox: SdkSandbox, how: "follow" | "whole", signal: AbortSignal): Promise<void> {
    try {
      const { url } = (await (await this.#ask(this.#addressOf(sandbox), signal)).json()) as { url?: unknown };
      const address = new URL(String(url));
      if (how === "follow") address.searchParams.set("follow", "true");
      const response = await this.#ask(address.href, signal);
      // Each reading starts at the log's beginning.
      this.#lines = [];
      this.#unfinished = "";
      let count = 0;
      for await (const text of response.body?.pipeThrough(new TextDecoderStream(), { signal }) ?? []) {
        this.#take(text);
        count += text.length;
        if (count > MAX_LOG_CHARACTERS) break;
      }
      this.#take("\n");
    } catch {
      // The log does not exist yet, the connection broke, or the signal aborted.
    }
  }

  #addressOf({ id }: SdkSandbox): string {
    return `${this.#settings.api_url.replace(/(?<!\/)\/+$/, "")}/sandbox/${encodeURIComponent(id)}/build-logs-url`;
  }

  async #ask(url: string, signal: AbortSignal): Promise<Response> {
    const headers = { Authorization: `Bearer ${this.#settings.api_key}`, "X-Daytona-Source": "sdk-typescript" };
    // The key goes only to the address that Daytona named.
    const response = await fetch(url, { headers, redirect: "manual", signal });
    if (response.ok) return response;
    await response.body?.cancel();
    throw new Error(`status ${response.status}`);
  }

  #take(text: string): void {
    const parts = (this.#unfinished + text).split(/\r?\n|\r/);
    this.#unfinished = (parts.pop() ?? "").slice(0, MAX_LINE_CHARACTERS * 2);
    const lines = parts.map(clean).filter((line) => line !== "");
    if (lines.length === 0) return;
    this.#hasNewLines = true;
    this.#lines = [...this.#lines, ...lines].slice(-KEPT_LINES);
  }
}

/** Removes colours, cursor movements and other control sequences. */
function clean(line: string): string {
  return (
    line
      // biome-ignore lint/suspicious/noControlCharactersInRegex: the regex removes them
      .replace(/\u001b(?:\[[0-9;?]*[ -/]*[@-~]|\][^\u0007\u001b]*(?:\u0007|\u001b\\)|[@-Z\\-_])/g, "")
      // biome-ignore lint/suspicious/noControlCharactersInRegex: the same
      .replace(/[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u2028\u2029\u202a-\u202e\u2066-\u2069]/g, "")
      .toWellFormed()
      .trimEnd()
      .slice(0, MAX_LINE_CHARACTERS)
  );
}
