/**
 * Sends requests to the app as Slack does: signed over the raw body with `v0=`. Events are JSON and retried; all others
 * are forms and sent once. A 2xx within three seconds accepts an event. Otherwise it is sent again at once, after one
 * minute and after five, with `X-Slack-Retry-Num` and `X-Slack-Retry-Reason`, unless the response has
 * `X-Slack-No-Retry: 1`.
 */
import { createHmac } from "node:crypto";
import type { Clock } from "./clock.ts";

export type RetryReason = "http_timeout" | "connection_failed" | "http_error";

export interface Attempt {
  retry: number;
  /** Undefined where there was no response. */
  status: number | undefined;
  /** Why the attempt failed, if it did. */
  reason: RetryReason | undefined;
  body: string;
}

export interface Delivery {
  kind: "event" | "interaction" | "command";
  address: string;
  /** As sent, before signing. */
  body: string;
  attempts: Attempt[];
  /** Undefined until the event is accepted or given up. */
  isAccepted: boolean | undefined;
}

/** For tests of signature checks: a request as an attacker or a wrong clock would send it. */
export interface Forgery {
  /** Replaces the app's signing secret. */
  secret?: string;
  /** In seconds; replaces the current time. */
  timestamp?: number;
  /** Sets headers, or removes those that are undefined. */
  headers?: Record<string, string | undefined>;
}

const timeoutMs = 3000;
/** After the first failure: at once, in a minute, in five. */
const retriesAfterMs = [0, 60_000, 300_000];
const maxDeliveries = 2000;
const maxBody = 64 * 1024;
const userAgent = "Slackbot 1.0 (+https://api.slack.com/robots)";

function signBody(secret: string, timestamp: number, body: string): string {
  return `v0=${createHmac("sha256", secret).update(`v0:${timestamp}:${body}`).digest("hex")}`;
}

export class Deliveries {
  /** The latest deliveries, in the order in which they began. */
  readonly log: Delivery[] = [];
  private readonly clock: Clock;
  private readonly secret: () => string;
  private readonly running = new Set<Promise<unknown>>();
  private readonly ending = new AbortController();

  constructor(clock: Clock, secret: () => string) {
    this.clock = clock;
    this.secret = secret;
  }

  /** Resolves when the event is accepted or given up. */
  sendEvent(address: string, event: Record<string, unknown>, forgery: Forgery = {}): Promise<Delivery> {
    const delivery = this.begin("event", address, JSON.stringify(event));
    return this.track(this.retry(delivery, forgery));
  }

  /** Sent once: a failure is shown to the person who clicked. */
  sendForm(
    kind: "interaction" | "command",
    address: string,
    fields: Record<string, string>,
    forgery: Forgery = {},
  ): Promise<Delivery> {
    const delivery = this.begin(kind, address, new URLSearchParams(fields).toString());
    const send = async (): Promise<Delivery> => {
      const attempt = await this.attempt(delivery, 0, undefined, forgery);
      delivery.isAccepted = attempt.reason === undefined;
      return delivery;
    };
    return this.track(send());
  }

  /** Resolves when no delivery is pending. An event that waits for its retry is pending. */
  async settled(): Promise<void> {
    while (this.running.size > 0) await Promise.all([...this.running]);
  }

  end(): void {
    this.ending.abort();
  }

  private begin(kind: Delivery["kind"], address: string, body: string): Delivery {
    const delivery: Delivery = { kind, address, body, attempts: [], isAccepted: undefined };
    this.log.push(delivery);
    if (this.log.length > maxDeliveries) this.log.shift();
    return delivery;
  }

  private track<T>(work: Promise<T>): Promise<T> {
    const tracked = work.catch(() => undefined).finally(() => this.running.delete(tracked));
    this.running.add(tracked);
    return work;
  }

  private async retry(delivery: Delivery, forgery: Forgery): Promise<Delivery> {
    let attempt = await this.attempt(delivery, 0, undefined, forgery);
    for (const [index, pause] of retriesAfterMs.entries()) {
      if (attempt.reason === undefined || attempt.isFinal || this.ending.signal.aborted) break;
      if (pause > 0) {
        const isOver = await this.clock.wait(pause, this.ending.signal).then(
          () => false,
          () => true,
        );
        if (isOver) break;
      }
      attempt = await this.attempt(delivery, index + 1, attempt.reason, forgery);
    }
    delivery.isAccepted = attempt.reason === undefined;
    return delivery;
  }

  private async attempt(
    delivery: Delivery,
    retry: number,
    why: RetryReason | undefined,
    forgery: Forgery,
  ): Promise<Attempt & { isFinal: boolean }> {
    const isEvent = delivery.kind === "event";
    const timestamp = forgery.timestamp ?? Math.floor(Date.now() / 1000);
    const headers: Record<string, string | undefined> = {
      "content-type": isEvent ? "application/json" : "application/x-www-form-urlencoded",
      "user-agent": userAgent,
      "x-slack-request-timestamp": String(timestamp),
      "x-slack-signature": signBody(forgery.secret ?? this.secret(), timestamp, delivery.body),
      ...(why === undefined ? {} : { "x-slack-retry-num": String(retry), "x-slack-retry-reason": why }),
      ...forgery.headers,
    };
    const sent = Object.entries(headers).filter((entry): entry is [string, string] => entry[1] !== undefined);
    const answer = await this.post(delivery, sent);
    const isRight = answer !== "timeout" && answer !== "failed" && answer.status >= 200 && answer.status < 300;
    const reason = answer === "timeout" ? "http_timeout" : answer === "failed" ? "connection_failed" : "http_error";
    const known = typeof answer === "string" ? undefined : answer;
    const attempt: Attempt = {
      retry,
      status: known?.status,
      reason: isRight ? undefined : reason,
      body: known?.body ?? "",
    };
    delivery.attempts.push(attempt);
    return { ...attempt, isFinal: known?.isFinal === true };
  }

  /** A slow app is not interrupted: it continues, and what it does counts. */
  private async post(
    delivery: Delivery,
    headers: [string, string][],
  ): Promise<{ status: number; body: string; isFinal: boolean } | "timeout" | "failed"> {
    const waiting = new AbortController();
    const end = (): void => waiting.abort();
    this.ending.signal.addEventListener("abort", end, { once: true });
    const timeout = this.clock.wait(timeoutMs, waiting.signal).then(
      () => "timeout" as const,
      () => "failed" as const,
    );
    const request = fetch(delivery.address, {
      method: "POST",
      headers,
      body: delivery.body,
      redirect: "manual",
      signal: this.ending.signal,
    }).then(
      async (response) => ({
        status: response.status,
        body: (await response.text()).slice(0, maxBody),
        isFinal: response.headers.get("x-slack-no-retry") === "1",
      }),
      () => "failed" as const,
    );
    const answer = await Promise.race([request, timeout]).catch(() => "failed" as const);
    request.catch(() => undefined);
    waiting.abort();
    this.ending.signal.removeEventListener("abort", end);
    return answer;
  }
}
