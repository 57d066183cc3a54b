// The log of an image's build, followed while it goes on: only its last lines are kept, whatever it prints.
import type { Sandbox as SdkSandbox } from "@daytonaio/sdk";

/** A line that is longer says no more. */
const MAX_LINE_CHARACTERS = 300;

/** As much as explains a failure. */
const KEPT_LINES = 30;

/** Told at once. */
const NEWS_LINES = 5;

/** A build that prints more than this is followed no longer; its state still is. */
const MAX_LOG_CHARACTERS = 16 * 1024 * 1024;

/** How often readers are told: a build may print thousands of lines a second. */
const NEWS_MS = 1_000;

/** A log that is not there yet, or whose connection broke, is asked for again after this long. */
const AGAIN_MS = 2_000;

/** How long an ended build's log may take to be read once more. */
const LAST_LOOK_MS = 5_000;

export interface BuildLogSettings {
  api_url: string;
  api_key: string;
}

export class DaytonaBuildLog {
  readonly #settings: BuildLogSettings;
  #lines: string[] = [];
  #unfinished = "";
  #hasNews = false;
  #toldAt = 0;
  #reading: { end: AbortController; done: Promise<void> } | null = null;
  #triedAt = 0;

  constructor(settings: BuildLogSettings) {
    this.#settings = settings;
  }

  /** Reads on in the background; called again and again while the image is built. */
  follow(sandbox: SdkSandbox): void {
    if (this.#reading !== null || Date.now() - this.#triedAt < AGAIN_MS) return;
    this.#triedAt = Date.now();
    const end = new AbortController();
    const done = this.#read(sandbox, "follow", end.signal).then(() => {
      this.#reading = null;
      this.#triedAt = Date.now();
    });
    this.#reading = { end, done };
  }

  /** The last lines, where there are new ones and the former were told a while ago. */
  takeNews(): string | null {
    if (!this.#hasNews || Date.now() - this.#toldAt < NEWS_MS) return null;
    this.#hasNews = false;
    this.#toldAt = Date.now();
    return this.#lines.slice(-NEWS_LINES).join("\n");
  }

  /** The last lines of a build that has ended. */
  async readEnd(sandbox: SdkSandbox, lines: number): Promise<string> {
    await this.stop();
    await this.#read(sandbox, "whole", AbortSignal.timeout(LAST_LOOK_MS));
    return this.#lines.slice(-lines).join("\n");
  }

  async stop(): Promise<void> {
    this.#reading?.end.abort();
    await this.#reading?.done;
  }

  /** Never rejects: whoever can't read the log still sees the sandbox's state. */
  async #read(sandbox: SdkSandbox, how: "follow" | "whole", signal: AbortSignal): Promise<void> {
    try {
      const { url } = (await (await this.#ask(this.#addressOf(sandbox), signal)).json()) as { url?: unknown };
      const address = new URL(String(url));
      if (how === "follow") address.searchParams.set("follow", "true");
      const response = await this.#ask(address.href, signal);
      // It is told from its beginning each time.
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
      // Not there yet, cut, or no longer wanted.
    }
  }

  #addressOf({ id }: SdkSandbox): string {
    return `${this.#settings.api_url.replace(/\/+$/, "")}/sandbox/${encodeURIComponent(id)}/build-logs-url`;
  }

  async #ask(url: string, signal: AbortSignal): Promise<Response> {
    const headers = { Authorization: `Bearer ${this.#settings.api_key}`, "X-Daytona-Source": "sdk-typescript" };
    // The key goes to the address that Daytona named, and nowhere else.
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
    this.#hasNews = true;
    this.#lines = [...this.#lines, ...lines].slice(-KEPT_LINES);
  }
}

/** Without colours, cursor movements and whatever else is no text. */
function clean(line: string): string {
  return (
    line
      // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is taken out
      .replace(/\u001b(?:\[[0-9;?]*[ -/]*[@-~]|\][^\u0007\u001b]*(?:\u0007|\u001b\\)|[@-Z\\-_])/g, "")
      // biome-ignore lint/suspicious/noControlCharactersInRegex: the same
      .replace(/[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u2028\u2029\u202a-\u202e\u2066-\u2069]/g, "")
      .toWellFormed()
      .trimEnd()
      .slice(0, MAX_LINE_CHARACTERS)
  );
}
