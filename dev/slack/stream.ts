/**
 * A message that is being written: `chat.startStream`, `chat.appendStream`, `chat.stopStream`.
 *
 * Appended content is stored completely and in order, so that a test finds a duplicate or missing piece. Slack
 * documents none of the following three rules, but users report that it applies them: a stream ends five minutes after
 * its start, whether or not it is appended to; a call may not have both `markdown_text` and `chunks`
 * (`cannot_provide_both_markdown_text_and_chunks`); and a stream that began with one of them must continue with it
 * (`streaming_mode_mismatch`).
 */
import { checkBlocks } from "./blocks.ts";
import { SlackError } from "./errors.ts";
import type { Json } from "./json.ts";

/** The lifetime of a stream that is not stopped. Users measured 5 minutes and some seconds. */
export const streamLifeMs = 300_000;
/** The limit of `markdown_text`, and of the text of a chunk of that type. */
export const maxMarkdown = 12_000;
/** The limit of a task's and a plan's texts. */
const maxTaskText = 256;
const maxChunks = 200;
const maxBlocks = 50;
/** The total text of a message, in characters. */
const maxText = 40_000;
/** Limits memory; a stream of five minutes has a few hundred. */
const maxParts = 5000;

export type StreamState = "streaming" | "stopped" | "expired" | "stopped_by_user";

export interface StreamTask {
  id: string;
  title: string;
  status: string;
  details: string;
  output: string;
  sources: Json[];
}

export type StreamPart =
  | { type: "text"; text: string }
  | { type: "task"; id: string }
  | { type: "blocks"; blocks: Json[] };

export interface Stream {
  state: StreamState;
  startedAt: number;
  mode: "markdown_text" | "chunks" | undefined;
  display: string;
  parts: StreamPart[];
  tasks: Map<string, StreamTask>;
  planTitle: string;
}

export function openStream(now: number, display: string): Stream {
  return {
    state: "streaming",
    startedAt: now,
    mode: undefined,
    display,
    parts: [],
    tasks: new Map(),
    planTitle: "",
  };
}

/** The complete appended text. */
export function streamText(stream: Stream): string {
  return stream.parts.map((part) => (part.type === "text" ? part.text : "")).join("");
}

/** Ends a stream past its lifetime. Returns why nothing can be appended, if so. */
export function refuseStream(stream: Stream | undefined, now: number): string | undefined {
  if (stream?.state === "streaming" && now >= stream.startedAt + streamLifeMs) stream.state = "expired";
  if (stream?.state === "stopped_by_user") return "stopped_by_user";
  return stream?.state === "streaming" ? undefined : "message_not_in_streaming_state";
}

/** Reads a call's content. If any part of it is invalid, none is applied. */
export function readContent(values: Json): { mode: Stream["mode"]; chunks: Json[] } {
  const { markdown_text: markdown, chunks } = values;
  if (markdown !== undefined && chunks !== undefined)
    throw new SlackError("cannot_provide_both_markdown_text_and_chunks");
  if (typeof markdown === "string") {
    if (markdown.length > maxMarkdown) throw new SlackError("msg_too_long");
    return { mode: "markdown_text", chunks: [{ type: "markdown_text", text: markdown }] };
  }
  if (chunks === undefined) return { mode: undefined, chunks: [] };
  if (!Array.isArray(chunks) || chunks.length > maxChunks) throw invalidChunks("chunks must be an array");
  const read = chunks.map((chunk, index) => checkChunk(chunk, index));
  const blocks = read.flatMap((chunk) => (chunk.type === "blocks" ? (chunk.blocks as Json[]) : []));
  if (blocks.length > maxBlocks) throw new SlackError("msg_blocks_too_many");
  return { mode: read.length === 0 ? undefined : "chunks", chunks: read };
}

function invalidChunks(message: string): SlackError {
  return new SlackError("invalid_chunks", [message]);
}

const chunkFields: Record<string, { required: string[]; optional: string[] }> = {
  markdown_text: { required: ["text"], optional: [] },
  plan_update: { required: ["title"], optional: [] },
  task_update: {
    required: ["id", "title", "status"],
    optional: ["details", "output", "sources", "hide_title", "icon"],
  },
  blocks: { required: ["blocks"], optional: [] },
};

const statuses = ["pending", "in_progress", "complete", "error"];

function checkChunk(chunk: unknown, index: number): Json {
  const at = `[json-pointer:/chunks/${index}]`;
  if (typeof chunk !== "object" || chunk === null || Array.isArray(chunk))
    throw invalidChunks(`must be an object ${at}`);
  const fields = chunk as Json;
  const expected = chunkFields[String(fields.type)];
  if (!expected) throw invalidChunks(`unsupported type: ${String(fields.type)} ${at}`);
  for (const name of expected.required) if (fields[name] === undefined) throw invalidChunks(`missing ${name} ${at}`);
  for (const name of Object.keys(fields))
    if (name !== "type" && !expected.required.includes(name) && !expected.optional.includes(name))
      throw invalidChunks(`no more fields allowed: ${name} ${at}`);
  for (const name of ["text", "id", "title", "details", "output"])
    if (fields[name] !== undefined && typeof fields[name] !== "string")
      throw invalidChunks(`${name} must be a string ${at}`);
  if (fields.type === "blocks") checkBlocks(fields.blocks, { surface: "message", max: maxBlocks });
  if (fields.type === "markdown_text") {
    if (String(fields.text).length > maxMarkdown) throw new SlackError("msg_too_long");
  } else checkTask(fields, at);
  return fields;
}

function checkTask(fields: Json, at: string): void {
  for (const name of ["id", "title", "details", "output"])
    if (typeof fields[name] === "string" && fields[name].length > maxTaskText)
      throw invalidChunks(`${name} must be no more than ${maxTaskText} characters ${at}`);
  if (fields.type === "task_update" && !statuses.includes(String(fields.status)))
    throw invalidChunks(`status must be one of ${statuses.join(", ")} ${at}`);
  if (fields.sources === undefined) return;
  const areSources = (value: unknown): value is Json[] =>
    Array.isArray(value) &&
    value.every(
      (source: unknown) =>
        typeof source === "object" &&
        source !== null &&
        (source as Json).type === "url" &&
        typeof (source as Json).url === "string" &&
        typeof (source as Json).text === "string" &&
        (source as Json).text !== "",
    );
  if (!areSources(fields.sources)) throw invalidChunks(`a source is {type: "url", url, text} ${at}`);
}

export function appendContent(stream: Stream, content: { mode: Stream["mode"]; chunks: Json[] }): void {
  if (stream.mode !== undefined && content.mode !== undefined && stream.mode !== content.mode)
    throw new SlackError("streaming_mode_mismatch");
  const added = content.chunks.reduce(
    (sum, chunk) => sum + (typeof chunk.text === "string" ? chunk.text.length : 0),
    0,
  );
  const details = [...stream.tasks.values()].reduce((sum, task) => sum + task.details.length, 0);
  if (streamText(stream).length + added > maxText || details > maxText) throw new SlackError("msg_too_long");
  if (stream.parts.length + content.chunks.length > maxParts) throw new SlackError("msg_too_long");
  stream.mode ??= content.mode;
  for (const chunk of content.chunks) applyChunk(stream, chunk);
}

function applyChunk(stream: Stream, chunk: Json): void {
  if (chunk.type === "markdown_text" && chunk.text !== "")
    stream.parts.push({ type: "text", text: String(chunk.text) });
  if (chunk.type === "plan_update") stream.planTitle = String(chunk.title);
  if (chunk.type === "blocks") stream.parts.push({ type: "blocks", blocks: chunk.blocks as Json[] });
  if (chunk.type !== "task_update") return;
  const id = String(chunk.id);
  const known = stream.tasks.get(id);
  if (!known) stream.parts.push({ type: "task", id });
  stream.tasks.set(id, {
    id,
    title: String(chunk.title),
    status: String(chunk.status),
    // A title and a status replace the former ones; details are appended.
    details: (known?.details ?? "") + String(chunk.details ?? ""),
    output: chunk.output === undefined ? (known?.output ?? "") : String(chunk.output),
    sources: (chunk.sources as Json[] | undefined) ?? known?.sources ?? [],
  });
}
