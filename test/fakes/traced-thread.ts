// A thread whose runs are traced, and whose collector is a list.
import { expect, vi } from "vitest";
import { z } from "zod";
import { defineTool } from "../../src/agent/tool.ts";
import { type Env, readConfig } from "../../src/config.ts";
import { clock } from "../../src/thread/ports.ts";
import { openTracing } from "../../src/traces/open.ts";
import { type ReceivedSpan, readExport } from "./otlp/read.ts";
import { FakeThread, type FakeThreadOptions } from "./thread.ts";

export const ENDPOINT = "http://collector.example:4318";
export const SECRET = "sk-canary-0123456789";

export const shell = defineTool({
  name: "shell",
  description: "runs",
  schema: z.object({ command: z.string() }),
  kind: "work",
  read_only: false,
  recovery: "repeat",
  time_limit_ms: 1_000,
  async execute({ command }, { sandbox, signal }) {
    if (command === "fail") return { content: "it failed", is_error: true };
    await sandbox.writeFile("a.txt", new TextEncoder().encode(command), signal);
    await sandbox.git.status(null, signal).catch(() => null);
    return { content: `ran ${command}`, is_error: false };
  },
});

export class TracedThread extends FakeThread {
  readonly bodies: Uint8Array[];

  constructor(options: FakeThreadOptions, settings: Record<string, string> = {}) {
    const bodies: Uint8Array[] = [];
    const env = { OTEL_EXPORTER_OTLP_ENDPOINT: ENDPOINT, OPENAI_API_KEY: SECRET, ...settings };
    const config = readConfig(env as unknown as Env);
    const send = async (_url: unknown, init?: RequestInit) => {
      bodies.push(init?.body as Uint8Array);
      return new Response(null, { status: 200 });
    };
    super({ tools: [shell], ...options, traces: () => openTracing(config, clock, send as typeof fetch) });
    this.bodies = bodies;
  }

  get spans(): ReceivedSpan[] {
    return this.bodies.flatMap(readExport);
  }

  async settled(): Promise<ReceivedSpan[]> {
    await this.life.active?.done;
    await vi.waitFor(() => expect(this.spans.some(({ name }) => name.startsWith("invoke_agent"))).toBe(true), 20_000);
    return this.spans;
  }

  /** The names of the spans as a tree. */
  async tree(): Promise<string[]> {
    return this.showTree(await this.settled());
  }

  showTree(spans: ReceivedSpan[]): string[] {
    const below = (parent: string | null, depth: number): string[] =>
      spans
        .filter(({ parent_id }) => parent_id === parent)
        .flatMap(({ name, span_id }) => [`${" ".repeat(depth)}${name}`, ...below(span_id, depth + 1)]);
    return below(null, 0);
  }
}
