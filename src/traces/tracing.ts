// The trace of a run: run → step → model call, check, tool → sandbox, by OpenTelemetry's conventions for generative AI. It
// wraps the ports of the loop, so the loop knows nothing of it, and while traces are off nothing is wrapped. One object
// lives as long as a life of a thread, which works on one run at a time.
import type { CheckRunner } from "../agent/checks/runner.ts";
import type { LoopFact } from "../agent/events.ts";
import type { Model } from "../agent/model.ts";
import type { LoopPorts } from "../agent/ports.ts";
import { SandboxError } from "../agent/sandbox.ts";
import type { Tool } from "../agent/tool.ts";
import type { TraceSettings } from "../config/traces.ts";
import { logError } from "../lib/log.ts";
import { replaceMethods } from "../lib/replace-methods.ts";
import type { Run } from "../protocol/run.ts";
import { type CheckRunTracing, traceCheckRuns } from "./check-runs.ts";
import { traceChecks } from "./checks.ts";
import { type Content, createContent } from "./content.ts";
import { describeOutcome, describeRequest, describeRun, errorOf } from "./describe.ts";
import type { Exporter } from "./exporter.ts";
import { traceSandbox } from "./sandbox.ts";
import { type Attributes, deriveIds, isSampled, newSpanId, readTraceParent, type Span } from "./span.ts";

export interface TracingPorts {
  settings: TraceSettings;
  exporter: Exporter;
  now: () => number;
  /** Who serves a model, in the words of the conventions. */
  describeModel: (name: string) => Attributes;
}

export interface Tracing extends CheckRunTracing {
  /**
   * A life begins to work on the run, or continues with it. `waitUntil` keeps the object alive while spans are posted.
   */
  begin(run: Run, traceparent: string | undefined, waitUntil: (work: Promise<void>) => void): void;
  /** The loop's ports, each call of which becomes a span. */
  wrap(ports: LoopPorts, steps: number): LoopPorts;
  /** The run has ended and is stored. */
  end(run: Run): void;
  flush(): Promise<void>;
}

type Open = Omit<Span, "end" | "error">;

/** A trace that a life works on. `step` is open from a model call until the next one after its reply. */
interface Trace {
  trace_id: string;
  root_id: string;
  parent_id: string | null;
  conversation: string;
  step: (Open & { is_answered: boolean }) | null;
  steps: number;
  is_compacted: boolean;
  /** How many spans had been dropped when it began. */
  dropped: number;
  tools: Map<string, Open>;
  waitUntil: (work: Promise<void>) => void;
}

export function createTracing({ settings, exporter, now, describeModel }: TracingPorts): Tracing {
  const content: Content | null = settings.has_content ? createContent(settings.secrets) : null;
  let current: Trace | null = null;
  /** The wrapped tools of a list: what is known of a list of tools is found by the list itself. */
  const wrapped = new WeakMap<readonly Tool[], Tool[]>();

  function close(trace: Trace, open: Open, describe: () => Attributes = nothing, error: string | null = null): void {
    safely(() => {
      const attributes = { ...open.attributes, ...describe(), "error.type": error ?? undefined };
      exporter.add({ ...open, attributes, end: now(), error });
      if (exporter.is_due) trace.waitUntil(exporter.flush());
    });
  }

  function open(
    { trace_id }: Trace,
    parent_id: string,
    name: string,
    kind: Span["kind"],
    describe: () => Attributes,
  ): Open {
    const span: Open = { trace_id, span_id: newSpanId(), parent_id, name, kind, start: now(), attributes: {} };
    safely(() => {
      span.attributes = describe();
    });
    return span;
  }

  function closeStep(trace: Trace): void {
    if (trace.step !== null) close(trace, trace.step);
    trace.step = null;
  }

  /** Calls of tools that a former life left come before the first model call of this one: they are a step, too. */
  function enterStep(trace: Trace): Open {
    if (trace.step !== null) return trace.step;
    const number = trace.steps + 1;
    const step = open(trace, trace.root_id, `step ${number}`, "internal", () => ({ "taskloom.step": number }));
    trace.step = { ...step, is_answered: false };
    return trace.step;
  }

  function traceModel(trace: Trace, model: Model): Model {
    return {
      async stream(request, onDelta, signal) {
        if (trace.step?.is_answered) closeStep(trace);
        const step = enterStep(trace);
        const span = open(trace, step.span_id, `chat ${request.model}`, "client", () => ({
          ...describeRequest(request),
          ...describeModel(request.model),
          ...describeThread(trace),
          "gen_ai.input.messages": content?.input(request.messages),
        }));
        let first: number | null = null;
        const outcome = await model.stream(
          request,
          (delta) => {
            first ??= now();
            onDelta(delta);
          },
          signal,
        );
        const told = first === null ? undefined : (first - span.start) / 1000;
        const describe = () => ({ "gen_ai.response.time_to_first_chunk": told, ...describeOutcome(outcome, content) });
        close(trace, span, describe, errorOf(outcome));
        return outcome;
      },
    };
  }

  function traceTool(tool: Tool): Tool {
    return replaceMethods<Tool>(tool, {
      async execute(input, context) {
        const trace = current;
        if (trace === null) return await tool.execute(input, context);
        const { tool_call_id } = context;
        const span = open(trace, enterStep(trace).span_id, `execute_tool ${tool.name}`, "internal", () => ({
          "gen_ai.operation.name": "execute_tool",
          "gen_ai.tool.name": tool.name,
          "gen_ai.tool.call.id": tool_call_id,
          "gen_ai.tool.type": "function",
          "taskloom.tool.source": tool.source,
          ...describeThread(trace),
          "gen_ai.tool.call.arguments": content?.text(JSON.stringify(input) ?? ""),
        }));
        trace.tools.set(tool_call_id, span);
        const end = (error: string | null, describe?: () => Attributes): void => {
          // A result that came late, after its call was given up, has no span any more.
          if (trace.tools.get(tool_call_id) === span && trace.tools.delete(tool_call_id)) {
            close(trace, span, describe, error);
          }
        };
        const sandbox = traceSandbox(context.sandbox, (operation) => {
          const describe = () => ({ "taskloom.sandbox.operation": operation });
          const own = open(trace, span.span_id, `sandbox ${operation}`, "client", describe);
          return (error) => close(trace, own, nothing, error);
        });
        try {
          const result = await tool.execute(input, { ...context, sandbox });
          const describe = () => ({ "gen_ai.tool.call.result": content?.text(result.content) });
          end(result.is_error ? "tool_error" : null, describe);
          return result;
        } catch (error) {
          end(error instanceof SandboxError ? error.code : "_OTHER");
          throw error;
        }
      },
    });
  }

  /** Checks run between calls: they belong to the step that asked for them. */
  function traceLooks(trace: Trace, checks: CheckRunner): CheckRunner {
    return traceChecks(checks, content, (describe) =>
      safely(() => {
        const ids = { trace_id: trace.trace_id, parent_id: enterStep(trace).span_id, kind: "internal" as const };
        for (const { attributes, ...look } of describe()) {
          const all = { ...describeThread(trace), ...attributes };
          exporter.add({ ...ids, ...look, span_id: newSpanId(), attributes: all });
        }
        if (exporter.is_due) trace.waitUntil(exporter.flush());
      }),
    );
  }

  function note(trace: Trace, fact: LoopFact): void {
    if (fact.type === "context_compacted") trace.is_compacted = true;
    if (fact.type === "assistant_message") {
      if (!fact.partial) trace.steps++;
      if (trace.step !== null) trace.step.is_answered = true;
    }
    if (fact.type !== "tool_finished") return;
    // The loop gave the call up at its time limit, or the run was cancelled.
    const left = trace.tools.get(fact.message.tool_call_id);
    if (left !== undefined && trace.tools.delete(fact.message.tool_call_id)) {
      close(trace, left, nothing, fact.is_error ? "timeout" : null);
    }
  }

  return {
    ...traceCheckRuns({ ratio: settings.ratio, content, add: exporter.add, safely }),
    begin: (run, traceparent, waitUntil) =>
      safely(() => {
        const { trace_id, root_id } = deriveIds(run);
        const parent = readTraceParent(traceparent);
        const ids = { trace_id: parent?.trace_id ?? trace_id, root_id, parent_id: parent?.span_id ?? null };
        const isTraced = parent?.is_sampled !== false && isSampled(ids.trace_id, settings.ratio);
        const { dropped } = exporter;
        const rest = { step: null, steps: run.steps, is_compacted: false, dropped, tools: new Map(), waitUntil };
        current = isTraced ? { ...ids, ...rest, conversation: run.thread_id } : null;
      }),
    wrap(ports, steps) {
      const trace = current;
      if (trace === null) return ports;
      trace.steps = steps;
      const tools = wrapped.get(ports.tools) ?? ports.tools.map(traceTool);
      wrapped.set(ports.tools, tools);
      return {
        ...ports,
        tools,
        model: traceModel(trace, ports.model),
        ...(ports.checks && { checks: traceLooks(trace, ports.checks) }),
        emit: (fact, more) => {
          safely(() => note(trace, fact));
          return ports.emit(fact, more);
        },
      };
    },
    end: (run) =>
      safely(() => {
        const trace = current;
        if (trace === null) return;
        current = null;
        for (const left of trace.tools.values()) close(trace, left, nothing, "cancelled");
        trace.tools.clear();
        closeStep(trace);
        const { trace_id, root_id: span_id, parent_id } = trace;
        const own = { "taskloom.spans.dropped": exporter.dropped - trace.dropped };
        const span: Span = {
          ...{ trace_id, span_id, parent_id, is_parent_remote: parent_id !== null },
          ...{ name: `invoke_agent ${run.agent_id}`, kind: "internal" },
          start: Date.parse(run.started_at ?? run.created_at),
          end: Date.parse(run.finished_at ?? "") || now(),
          attributes: { ...describeRun(run), ...describeModel(run.model), ...own },
          error: run.error?.code ?? null,
        };
        exporter.add(span, true);
      }),
    flush: () => exporter.flush(),
  };
}

const nothing = (): Attributes => ({});

/** No run depends on its trace: a mistake in here costs a span, and is a line in the log. */
function safely(work: () => void): void {
  try {
    work();
  } catch (error) {
    logError("trace_failed", error, {});
  }
}

function describeThread({ conversation, is_compacted }: Trace): Attributes {
  return { "gen_ai.conversation.id": conversation, "gen_ai.conversation.compacted": is_compacted || undefined };
}
