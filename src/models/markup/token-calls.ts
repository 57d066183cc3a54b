// Reads one call after a special token (./tokens.ts): a name and JSON. Everything between the token and the JSON is the
// name, apart from separators and a fence, so the forms of Kimi, DeepSeek, Mistral, Llama and gpt-oss are all read here.
import { type Calls, fillCall, type JsonEnd } from "./calls.ts";
import { createJsonScanner, fromGemma, type JsonScanner } from "./json.ts";
import type { CallReader, Step } from "./reader.ts";
import { type Cursor, take } from "./tags.ts";
import { readSeparator, readToken, type Token } from "./tokens.ts";

/** A name and an id are shorter. */
const MAX_HEADER_CHARACTERS = 300;

export interface TokenReader extends CallReader {
  start(token: Token): Step;
}

export function createTokenReader(calls: Calls): TokenReader {
  let mode: "header" | "json" | "tail" | "skip" = "header";
  let header = "";
  let json: { scanner: JsonScanner; text: string } | null = null;

  function endJson(how: JsonEnd): void {
    const name = readName(header);
    const scanner = json?.scanner;
    const text = name.startsWith("call:") ? fromGemma(json?.text ?? "") : (json?.text ?? "");
    json = null;
    // What follows JSON that broke off belongs to it.
    mode = how === "broken" ? "skip" : "tail";
    if (name === "" && scanner) calls.addJson(text, scanner.names, how);
    else {
      const call = calls.open(name);
      if (name === "") call.fail("It has no name.");
      if (scanner) fillCall(call, text, how);
      else if (how !== "whole") call.fail("It was not written to its end.");
      call.close(how === "cut");
    }
  }

  function stepHeader(cursor: Cursor): Step {
    const { rest, at } = cursor;
    const next = /[<{[]/g;
    next.lastIndex = at;
    const found = next.exec(rest);
    header += take(cursor, found?.index ?? rest.length);
    if (header.length > MAX_HEADER_CHARACTERS) {
      endJson("broken");
      return "on";
    }
    if (!found) return "wait";
    const token = found[0] === "<" ? readToken(cursor) : found[0] === "[" ? readSeparator(cursor) : "none";
    if (token === "partial") return "wait";
    if (token !== "none" && token.name === "separator") {
      take(cursor, token.end);
      header += " ";
    } else if (token === "none" && found[0] !== "<") {
      json = { scanner: createJsonScanner(), text: "" };
      mode = "json";
    } else {
      // A call without arguments, or none at all.
      endJson(token !== "none" && token.name === "call_end" && readName(header) !== "" ? "whole" : "broken");
    }
    return "on";
  }

  function stepJson(cursor: Cursor): Step {
    if (!json) return "on";
    json.text += take(cursor, json.scanner.read(cursor.rest, cursor.at));
    if (json.scanner.state === "open") return "wait";
    endJson(json.scanner.state);
    return "on";
  }

  /** Consumes layout and the token that ends the call. */
  function stepTail(cursor: Cursor): Step {
    const { rest } = cursor;
    let at = cursor.at;
    while (at < rest.length && /[\s`}\]]/.test(rest.charAt(at))) at++;
    take(cursor, at);
    if (at === rest.length) return "wait";
    const token = rest.charAt(at) === "<" ? readToken(cursor) : "none";
    if (token === "partial") return "wait";
    if (token !== "none" && (token.name === "call_end" || token.name === "message_end")) take(cursor, token.end);
    return "done";
  }

  /** Drops everything to the end of the call, or of the reply if it has none. */
  function stepSkip(cursor: Cursor): Step {
    const { rest } = cursor;
    for (let at = rest.indexOf("<", cursor.at); at >= 0; at = rest.indexOf("<", at + 1)) {
      const token = readToken({ ...cursor, at });
      if (token === "none") continue;
      take(cursor, at);
      if (token === "partial") return "wait";
      if (token.name === "call_end" || token.name === "message_end") take(cursor, token.end);
      return "done";
    }
    take(cursor, rest.length);
    return "wait";
  }

  const steps = { header: stepHeader, json: stepJson, tail: stepTail, skip: stepSkip };

  return {
    start(token) {
      header = token.tool;
      json = null;
      mode = "header";
      return "on";
    },
    step: (cursor) => steps[mode](cursor),
    end(cut) {
      if (mode === "header" || mode === "json") endJson(cut ? "cut" : "unfinished");
    },
    leave() {},
  };
}

/** The first word; DeepSeek V3 writes `function` before it. */
function readName(header: string): string {
  const [first = "", second = ""] = header.replaceAll("`", " ").trim().split(/\s+/);
  return first === "function" && second !== "" && second !== "json" ? second : first === "json" ? "" : first;
}
