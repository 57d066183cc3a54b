// The public HTTP API as the page and `npm run ask` use it.
import type { WaitingMessage } from "../../protocol/inbox.ts";
import type { MessageRow } from "../../protocol/message.ts";
import type { Caps } from "../../protocol/money/caps.ts";
import type { PlanView } from "../../protocol/plan/task.ts";
import type { Run } from "../../protocol/run.ts";
import type { InterruptAnswer } from "../../protocol/thread.ts";

/** An unsuccessful response. `code` is the problem's code, or null where no Taskloom server answered. */
export class ApiError extends Error {
  readonly status: number;
  readonly code: string | null;
  /** From when on the server takes it, in ms, where it says so. */
  readonly retryAt: number | null;

  constructor(status: number, code: string | null, message: string, retryAt: number | null = null) {
    super(message);
    this.name = "ApiError";
    this.status = status;
    this.code = code;
    this.retryAt = retryAt;
  }

  /** Whether the question is no longer open: somebody else answered first, or it has expired. */
  get isAnswered(): boolean {
    return this.status === 409 && this.code === "interrupt_answered";
  }

  /** Whether the same request can succeed later without anybody's intervention. */
  get isPassing(): boolean {
    if (this.status >= 500) return this.code !== "not_configured";
    // Of a quota that no time helps, people should read.
    return (this.status === 429 && (this.code !== "quota_exceeded" || this.retryAt !== null)) || this.status === 408;
  }
}

export interface Health {
  status: string;
  version: string;
  stand_ins: string[];
  /** How people sign in without a key; null where they can't. */
  sign_in: { name: string } | null;
}

/** The models that may be chosen. */
export interface ModelList {
  data: { id: string; is_default: boolean }[];
  /** Servers whose models are not all listed. */
  incomplete: string[];
}

/** For the date that the model reads. A browser that does not know its zone says `Etc/Unknown`. */
function zoneOfBrowser(): { time_zone?: string } {
  const zone = Intl.DateTimeFormat().resolvedOptions().timeZone;
  return /^(?!Etc\/Unknown)[A-Za-z][\w/+-]{1,63}$/.test(zone ?? "") ? { time_zone: zone } : {};
}

interface RequestOptions {
  method?: string;
  body?: unknown;
  accept?: string;
  lastEventId?: string | null;
  signal?: AbortSignal;
}

/** How long a server may take to answer. For a stream this covers the headers, which arrive at once. */
const answerMs = 30_000;

export class Api {
  readonly #url: string;
  readonly #key: string;
  readonly #isInUse: () => boolean;
  readonly #session: string | null;

  /**
   * `url` has no path; "" is the server that the page came from. With "" for the key the browser's session is used, if
   * there is one, and with `session` only that one. Once the key is no longer in use, for example because somebody else
   * has signed in, every request ends as if the server did not know the key.
   */
  constructor(url: string, key: string, isInUse: () => boolean = () => true, session: string | null = null) {
    this.#url = url.replace(/(?<!\/)\/+$/, "");
    this.#key = key;
    this.#isInUse = isInUse;
    this.#session = session;
  }

  /** `patienceMs` is for requests that take the server longer than usual. */
  get<T>(path: string, patienceMs = answerMs): Promise<T> {
    return this.#json(path, { signal: AbortSignal.timeout(patienceMs) });
  }

  /** An answer without a body is undefined. */
  send<T = void>(
    method: "POST" | "PATCH" | "PUT" | "DELETE",
    path: string,
    body?: unknown,
    patienceMs = answerMs,
  ): Promise<T> {
    return this.#json(path, { method, body, signal: AbortSignal.timeout(patienceMs) });
  }

  /** Sends a message while a run works. That run takes it at its next step, or a later run does. */
  sendBeside(
    thread: string,
    run: string,
    { id, text }: { id: string; text: string },
    onBusy: "enqueue" | "steer",
  ): Promise<Run> {
    const body = { message: text, message_id: id, invocation_id: run, on_busy: onBusy, ...zoneOfBrowser() };
    return this.send("POST", `${pathOf(thread)}/runs`, body);
  }

  addressOf(path: string): string {
    return `${this.#url}${path}`;
  }

  get credentials(): Record<string, string> {
    if (this.#key !== "") return { authorization: `Bearer ${this.#key}` };
    return this.#session === null ? {} : { "taskloom-session": this.#session };
  }

  health(): Promise<Health> {
    return this.#json("/healthz");
  }

  listModels(): Promise<ModelList> {
    return this.#json("/v1/models", { signal: AbortSignal.timeout(answerMs) });
  }

  listInbox(thread: string): Promise<{ data: WaitingMessage[] }> {
    return this.#json(`${pathOf(thread)}/inbox`);
  }

  /** `now`: the active run reads it at its next step. */
  changeWaiting(thread: string, id: string, change: { text?: string; now?: boolean }): Promise<WaitingMessage> {
    const body = { message: change.text, ...(change.now ? { on_busy: "steer" } : {}) };
    return this.send("PATCH", `${pathOf(thread)}/inbox/${encodeURIComponent(id)}`, body);
  }

  removeWaiting(thread: string, id: string): Promise<void> {
    return this.send("DELETE", `${pathOf(thread)}/inbox/${encodeURIComponent(id)}`);
  }

  /**
   * The newest runs, newest first, and at least back to the one that works: a queue holds 100 runs at most, a page 200.
   */
  async listRuns(thread: string): Promise<{ data: Run[] }> {
    const path = `${pathOf(thread)}/runs?limit=`;
    const page = await this.#json<{ data: Run[]; next_cursor: string | null }>(`${path}10`);
    const isWhole = page.next_cursor === null || page.data.some(({ status }) => status !== "queued");
    return isWhole ? page : this.#json(`${path}200`);
  }

  getRun(thread: string, run: string): Promise<Run> {
    return this.#json(`${pathOf(thread)}/runs/${encodeURIComponent(run)}`);
  }

  getPlan(thread: string): Promise<PlanView> {
    return this.#json(`${pathOf(thread)}/tasks`);
  }

  /** All messages of a thread, oldest first. */
  async listMessages(thread: string): Promise<MessageRow[]> {
    const rows: MessageRow[] = [];
    let cursor: string | null = null;
    do {
      const query: string = cursor === null ? "" : `&cursor=${encodeURIComponent(cursor)}`;
      const page: { data: MessageRow[]; next_cursor: string | null } = await this.#json(
        `${pathOf(thread)}/messages?limit=200${query}`,
      );
      rows.push(...page.data);
      cursor = page.next_cursor;
    } while (cursor !== null);
    return rows;
  }

  cancel(thread: string, run: string): Promise<Run> {
    return this.#json(`${pathOf(thread)}/runs/${encodeURIComponent(run)}/cancel`, { method: "POST", body: {} });
  }

  /**
   * Sending it again with the same `run` returns the same run and its stream from the start. Without `model` the
   * agent's is used.
   */
  startRun(
    thread: string,
    run: string,
    { id, text, model, caps }: { id: string; text: string; model?: string; caps?: Caps },
    signal: AbortSignal,
  ): Promise<Response> {
    const body = { message: text, message_id: id, invocation_id: run, model, ...caps, ...zoneOfBrowser() };
    return this.#stream(`${pathOf(thread)}/runs`, { method: "POST", body, signal });
  }

  /** Sending it again with the same `run` returns the same run, as above. */
  askAgain(
    thread: string,
    run: string,
    { message, edited }: { message: string; edited: { id: string; text: string } | null },
    signal: AbortSignal,
  ): Promise<Response> {
    const content = edited === null ? {} : { message: edited.text, message_id: edited.id };
    const body = { ...content, invocation_id: run, ...zoneOfBrowser() };
    const act = edited === null ? "regenerate" : "edit";
    return this.#stream(`${pathOf(thread)}/messages/${encodeURIComponent(message)}/${act}`, {
      method: "POST",
      body,
      signal,
    });
  }

  resumeRun(
    thread: string,
    run: string,
    interrupted: string,
    answers: InterruptAnswer[],
    signal: AbortSignal,
  ): Promise<Response> {
    const body = { resume: answers, invocation_id: run };
    const path = `${pathOf(thread)}/runs/${encodeURIComponent(interrupted)}/resume`;
    return this.#stream(path, { method: "POST", body, signal });
  }

  /** `after` null: from where the thread is now, after a snapshot of its state. */
  watchThread(thread: string, after: string | null, signal: AbortSignal): Promise<Response> {
    return this.#stream(`${pathOf(thread)}/events`, { lastEventId: after, signal });
  }

  watchRun(thread: string, run: string, lastEventId: string | null, signal: AbortSignal): Promise<Response> {
    return this.#stream(`${pathOf(thread)}/runs/${encodeURIComponent(run)}/events`, { lastEventId, signal });
  }

  #stream(path: string, options: RequestOptions): Promise<Response> {
    return this.#request(path, { ...options, accept: "text/event-stream" });
  }

  async #json<T>(path: string, options: RequestOptions = {}): Promise<T> {
    const response = await this.#request(path, { signal: AbortSignal.timeout(answerMs), ...options });
    return response.status === 204 ? (undefined as T) : ((await response.json()) as T);
  }

  async #request(path: string, options: RequestOptions): Promise<Response> {
    const headers: Record<string, string> = { accept: options.accept ?? "application/json", ...this.credentials };
    if (options.body !== undefined) headers["content-type"] = "application/json";
    if (options.lastEventId) headers["last-event-id"] = options.lastEventId;
    this.#expectInUse();
    const response = await fetch(this.addressOf(path), {
      method: options.method ?? "GET",
      headers,
      body: options.body === undefined ? undefined : JSON.stringify(options.body),
      signal: options.signal,
    });
    this.#expectInUse();
    if (!response.ok) throw await readProblem(response);
    return response;
  }

  #expectInUse(): void {
    if (!this.#isInUse()) throw new ApiError(401, "unauthorized", "The key is not in use any more.");
  }
}

export function pathOf(thread: string): string {
  return `/v1/threads/${encodeURIComponent(thread)}`;
}

export async function readProblem(response: Response): Promise<ApiError> {
  const { status, headers } = response;
  const at = readRetryAt(status, headers.get("retry-after"));
  try {
    const { code, title, detail } = (await response.json()) as Record<string, unknown>;
    const message = [title, detail].filter((part) => typeof part === "string" && part !== "").join(": ");
    return new ApiError(status, typeof code === "string" ? code : null, message || `HTTP ${status}`, at);
  } catch {
    return new ApiError(status, null, `HTTP ${status}`, at);
  }
}

/**
 * From `Retry-After`: the server says seconds; a proxy may say a date. Nobody waits for longer than an hour without
 * asking again.
 */
export function readRetryAt(status: number, header: string | null): number | null {
  if (header === null || (status !== 429 && status !== 503)) return null;
  const now = Date.now();
  const at = /^\d+$/.test(header) ? now + Number(header) * 1_000 : Date.parse(header);
  return Number.isNaN(at) ? null : Math.min(at, now + 3_600_000);
}

/** How long the server asks to wait, in ms; 0 if it says nothing. */
export function waitFor(error: unknown): number {
  return error instanceof ApiError && error.retryAt !== null ? Math.max(0, error.retryAt - Date.now()) : 0;
}
