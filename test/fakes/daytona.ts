// A Daytona that behaves as a test says, and helpers that open a sandbox with it without real waiting.
import { type Daytona, DaytonaError, DaytonaNotFoundError, type Sandbox } from "@daytonaio/sdk";
import { afterEach, beforeEach, vi } from "vitest";
import { SandboxError } from "../../src/agent/sandbox.ts";
import { defaultLimits } from "../../src/sandboxes/daytona/client/limits.ts";
import { loadSdk } from "../../src/sandboxes/daytona/client/sdk.ts";
import { DaytonaLifecycle, type LifecycleSettings } from "../../src/sandboxes/daytona/lifecycle/lifecycle.ts";

// Errors are known by the SDK's classes.
await loadSdk();

interface FakeRecord {
  id: string;
  state: string;
  [field: string]: unknown;
}

/** What an order does to the record; a thrown error is its answer. */
type Reaction = (record: FakeRecord, value?: unknown) => void;

export class FakeDaytona {
  record: FakeRecord | null = null;
  /** States that are shown one after another, one per poll, before the record's own. */
  readonly passing: string[] = [];
  readonly orders: string[] = [];
  readonly created: Record<string, unknown>[] = [];
  readonly on: Record<string, Reaction> = {};
  /** Answers the next creation in place of making one. */
  readonly refusals: Error[] = [];
  madeState = "started";
  snapshotState = "active";
  #made = 0;

  readonly client = {
    get: async () => this.#show(),
    create: async (parameters: Record<string, unknown>) => {
      this.orders.push("create");
      this.created.push(parameters);
      const refusal = this.refusals.shift();
      if (refusal) throw refusal;
      this.record = {
        id: `made-${++this.#made}`,
        state: this.madeState,
        labels: parameters.labels,
        ...usual,
        snapshot: parameters.snapshot,
      };
      return this.#show();
    },
    snapshot: {
      get: async (name: string) => ({ name, state: this.snapshotState, imageName: `${name}:1` }),
      activate: async ({ name }: { name: string }) => {
        this.orders.push(`activate ${name}`);
        this.on.activate?.({ id: "", state: "" });
        this.snapshotState = "active";
      },
    },
  } as unknown as Daytona;

  #show(): Sandbox {
    if (this.record === null) throw new DaytonaNotFoundError("Sandbox with ID or name project not found", 404);
    const { record } = this;
    const order =
      (name: string, usually: Reaction) =>
      async (value?: unknown): Promise<void> => {
        this.orders.push(typeof value === "object" ? `${name} ${JSON.stringify(value)}` : name);
        (this.on[name] ?? usually)(record, value);
      };
    return {
      ...record,
      state: this.passing.shift() ?? record.state,
      start: order("start", (box) => Object.assign(box, { state: "started" })),
      recover: order("recover", (box) => Object.assign(box, { state: "started" })),
      stop: order("stop", (box) => Object.assign(box, { state: "stopped" })),
      archive: order("archive", (box) => Object.assign(box, { state: "archived" })),
      refreshActivity: order("refresh", () => {}),
      delete: order("delete", () => {
        this.record = null;
      }),
      resize: order("resize", (box, value) => Object.assign(box, value)),
      setAutostopInterval: order("autostop", (box, value) => Object.assign(box, { autoStopInterval: value })),
      setAutoArchiveInterval: order("autoarchive", (box, value) => Object.assign(box, { autoArchiveInterval: value })),
      setLabels: order("labels", (box, value) => Object.assign(box, { labels: value })),
      updateNetworkSettings: order("network", (box, value) => Object.assign(box, value)),
    } as unknown as Sandbox;
  }
}

export const usual = {
  cpu: 1,
  memory: 1,
  disk: 3,
  autoStopInterval: 30,
  autoArchiveInterval: 10_080,
  networkBlockAll: false,
};

export function refusalOf(status: number, message: string, headers: Record<string, string> = {}): DaytonaError {
  return new DaytonaError(message, status, headers as never);
}

export function lifecycleOf(daytona: FakeDaytona, more: Partial<LifecycleSettings> = {}) {
  const reported: string[] = [];
  const known: string[] = [];
  const lifecycle = new DaytonaLifecycle({
    client: async () => daytona.client,
    api_url: "http://127.0.0.1:1/api",
    api_key: "key",
    name: "project",
    recipe: {},
    labels: {},
    host: "daytona",
    limits: defaultLimits,
    onState: (state, message) => reported.push(`${state}: ${message}`),
    known: null,
    onKnown: (id) => known.push(id),
    isWanted: async () => true,
    ...more,
  });
  return { lifecycle, reported, known };
}

/** Lets all pauses pass. */
export async function settle<Value>(promise: Promise<Value>): Promise<Value | SandboxError> {
  let isOver = false;
  const ended = promise
    .catch((error: unknown) => {
      if (error instanceof SandboxError) return error;
      throw error;
    })
    .finally(() => {
      isOver = true;
    });
  while (!isOver) await vi.advanceTimersByTimeAsync(500);
  return await ended;
}

export async function openFrom(daytona: FakeDaytona, more: Partial<LifecycleSettings> = {}) {
  const { lifecycle, reported } = lifecycleOf(daytona, more);
  const opened = await settle(lifecycle.open(new AbortController().signal));
  return { opened, reported, lifecycle, id: opened instanceof SandboxError ? null : opened.id };
}

/** No time passes but by `settle`, and nothing is served over HTTP. */
export function useFakeWorld(): void {
  beforeEach(() => {
    vi.useFakeTimers();
    vi.stubGlobal("fetch", async () => new Response("", { status: 404 }));
  });
  afterEach(() => {
    vi.useRealTimers();
    vi.unstubAllGlobals();
  });
}
