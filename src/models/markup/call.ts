// Reads one call of any form: its parameters become the JSON object that a native call would have. Strings are streamed as they
// arrive; other values are parsed at their end. What is wrong with the call is added to its arguments at the end, so
// that they are an object in any case (agent/calls/malformed-call).
import { MALFORMED, NAMELESS } from "../../agent/calls/malformed-call.ts";
import type { ToolDescription } from "../../agent/model.ts";
import { cutEnd } from "../../lib/truncate.ts";
import { createDecoder } from "./entities.ts";
import type { Tag, TagName } from "./tags.ts";
import { escapeJson, readValue, typesOf } from "./types.ts";
import { createValueReader, type ValueReader } from "./value.ts";

export interface CallSink {
  openCall(name: string): void;
  /** Adds to the arguments of the call that was opened last. */
  addArguments(piece: string): void;
}

export interface OpenCall {
  readonly name: string;
  /** A reader for the value after the tag; null if the tag is the whole parameter. */
  openParameter(tag: Tag): ValueReader | null;
  closeParameter(): void;
  /** Adds arguments that were written as JSON. */
  addInput(input: Record<string, unknown>): void;
  /** Marks the call as malformed. Only the first reason is reported. */
  fail(reason: string): void;
  /** `cut`: the reply reached the output limit inside the call. */
  close(cut?: boolean): void;
}

/** Limits what is quoted of the model's own text in a sentence to the model. */
const MAX_QUOTED_CHARACTERS = 200;

export function quote(text: string): string {
  return JSON.stringify(cutEnd(text.trim().toWellFormed(), MAX_QUOTED_CHARACTERS));
}

export interface CallForm {
  /** Values are plain text, in which nothing is an entity. */
  isRaw: boolean;
  /** Tells the model how to write the call again. */
  advice: string;
}

/** `name` is empty if the call has none. */
export function openCall(name: string, tool: ToolDescription | undefined, form: CallForm, sink: CallSink): OpenCall {
  const seen = new Set<string>([MALFORMED]);
  let isFirst = true;
  let problem: string | null = null;
  let value: { reader: ValueReader; finish: () => void } | null = null;
  sink.openCall(name || NAMELESS);

  function write(key: string, json: string): void {
    sink.addArguments(`${isFirst ? "{" : ","}${JSON.stringify(key)}:${json}`);
    isFirst = false;
  }

  function fail(reason: string): void {
    problem ??= reason;
  }

  /** Returns null for a parameter that can't be kept. Its value is read nevertheless, to find its end. */
  function claimKey(tag: Tag): string | null {
    const key = tag.attributes.get("name") ?? "";
    if (tag.isBroken) fail("A <parameter …> tag has no end.");
    else if (key === "") fail("A <parameter> has no name.");
    else if (seen.has(key)) fail(`The parameter ${quote(key)} is given twice.`);
    else {
      seen.add(key);
      return key;
    }
    return null;
  }

  function startText(key: string, tag: TagName) {
    write(key, '"');
    const add = (piece: string) => sink.addArguments(escapeJson(piece));
    const decoder = createDecoder(add);
    let isVerbatim = form.isRaw;
    const reader = createValueReader(
      {
        add: (piece) => (isVerbatim ? add(piece) : decoder.add(piece)),
        setVerbatim: () => {
          isVerbatim = true;
        },
      },
      tag,
    );
    const finish = () => {
      decoder.end();
      sink.addArguments('"');
    };
    return { reader, finish };
  }

  function startParsed(key: string | null, types: ReturnType<typeof typesOf>, isString: boolean | null, tag: TagName) {
    let text = "";
    let isVerbatim = form.isRaw;
    const reader = createValueReader(
      {
        add: (piece) => {
          if (key !== null) text += piece;
        },
        setVerbatim: () => {
          isVerbatim = true;
        },
      },
      tag,
    );
    const finish = () => {
      if (key === null) return;
      const read = readValue({ text, isVerbatim, isString }, types);
      if (read.ok) write(key, read.json);
      else fail(`The value of ${quote(key)} is not valid JSON (${cutEnd(read.reason, MAX_QUOTED_CHARACTERS)}).`);
    };
    return { reader, finish };
  }

  function closeParameter(): void {
    if (!value) return;
    value.finish();
    const { suspect } = value.reader;
    if (suspect !== null) {
      fail(
        `A value holds ${quote(suspect)}. If that belongs to the value, write the value as <![CDATA[…]]>; if not, a </parameter> is missing before it.`,
      );
    }
    value = null;
  }

  return {
    name,
    openParameter(tag) {
      const key = claimKey(tag);
      const types = tool && key !== null ? typesOf(tool.parameters, key) : new Set<never>();
      const said = tag.attributes.get("string")?.toLowerCase();
      const isString = said === "true" ? true : said === "false" ? false : null;
      if (tag.isEmpty) {
        const text = tag.attributes.get("value") ?? "";
        startEmpty(key, text);
        return null;
      }
      const isText = (types.size === 1 && types.has("string") && isString !== false) || (types.size === 0 && isString);
      value = key !== null && isText ? startText(key, tag.name) : startParsed(key, types, isString, tag.name);
      return value.reader;

      function startEmpty(of: string | null, text: string): void {
        if (of === null) return;
        const read = readValue({ text, isVerbatim: true, isString }, types);
        if (read.ok) write(of, read.json);
        else fail(`The value of ${quote(of)} is not valid JSON.`);
      }
    },
    closeParameter,
    addInput(input) {
      for (const [key, given] of Object.entries(input)) if (key !== MALFORMED) write(key, JSON.stringify(given));
    },
    fail,
    close(cut = false) {
      closeParameter();
      if (problem !== null)
        write(MALFORMED, JSON.stringify(cut ? describeCut(name) : `${describe(name, problem)} ${form.advice}`));
      sink.addArguments(isFirst ? "{}" : "}");
    },
  };
}

function describe(name: string, problem: string): string {
  const which = name === "" ? "A call" : `The call of ${name}`;
  return `${which} could not be read, so it was not run. ${problem}`;
}

function describeCut(name: string): string {
  const which = name === "" ? "a call" : `the call of ${name}`;
  return `Your reply reached the output limit within ${which}, so it was not run. Send less at once: write a long file in several smaller ones, or a first part now and the rest by later calls.`;
}
