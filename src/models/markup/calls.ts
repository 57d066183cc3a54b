// The calls of one reply, whatever their form.
import type { ToolDescription } from "../../agent/model.ts";
import { asRecord } from "../../lib/is-record.ts";
import { type CallSink, type OpenCall, openCall } from "./call.ts";
import { readCalls, readJson, toToolName, type WrittenCall } from "./json.ts";

/** How JSON ended: complete, at a tag, with the reply, or with the reply at its output limit. */
export type JsonEnd = "whole" | "broken" | "unfinished" | "cut";

export interface Calls {
  /** `isRaw`: the form has no entities. */
  open(name: string, isRaw?: boolean): OpenCall;
  /** Opens and closes a call that can't be read. */
  report(reason: string, cut?: boolean): void;
  /** Makes the calls that the JSON names. `names` are those seen in it, in case that it can't be read. */
  addJson(text: string, names: readonly string[], how: JsonEnd): void;
  readonly count: number;
  isOffered(name: string): boolean;
}

const reasons = {
  broken: "Its JSON is broken off by a tag.",
  unfinished: "Its JSON was not written to its end.",
  cut: "Its JSON was not written to its end.",
};

export function createCalls(tools: readonly ToolDescription[], sink: CallSink, isNative: boolean): Calls {
  // Most replies have no markup.
  let named: Map<string, ToolDescription> | null = null;
  const byName = (): Map<string, ToolDescription> => {
    named ??= new Map(tools.map((tool) => [tool.name, tool]));
    return named;
  };
  const advice = isNative ? "Call the tool again." : "Write it again in the form that the system message shows.";
  let count = 0;

  function open(written: string, isRaw = isNative): OpenCall {
    const name = toToolName(written);
    count++;
    return openCall(name, byName().get(name), { isRaw, advice }, sink);
  }

  function report(reason: string, cut = false, name = ""): void {
    const call = open(name);
    call.fail(reason);
    call.close(cut);
  }

  function addCall({ name, input }: WrittenCall): void {
    const call = open(name);
    if (name === "") call.fail("It has no name.");
    fill(call, input);
    call.close();
  }

  return {
    open,
    report: (reason, cut) => report(reason, cut),
    addJson(text, names, how) {
      const read = how === "whole" ? readCalls(text) : null;
      if (how !== "whole") report(reasons[how], how === "cut", names[0]);
      else if (!read?.ok) report(`It is not valid JSON (${read?.reason}).`, false, names[0]);
      else if (read.calls.length === 0) report("Its list of calls is empty.");
      else for (const call of read.calls) addCall(call);
    },
    get count() {
      return count;
    },
    isOffered: (name) => byName().has(toToolName(name)),
  };
}

/** Adds the arguments that were written as JSON to a call that is open. */
export function fillCall(call: OpenCall, text: string, how: JsonEnd): void {
  const read = how === "whole" ? readJson(text) : null;
  if (how !== "whole") call.fail(reasons[how]);
  else if (read?.ok) fill(call, asRecord(read.value));
  else call.fail(`Its arguments are not valid JSON (${read?.reason}).`);
}

function fill(call: OpenCall, input: Record<string, unknown> | null): void {
  if (input) call.addInput(input);
  else call.fail("Its arguments are no JSON object.");
}
