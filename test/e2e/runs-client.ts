// A thread's runs as a test requests them, beside a model that the test controls.
import { expect } from "vitest";
import type { ThreadEvent } from "../../src/protocol/event.ts";
import type { MessageRow } from "../../src/protocol/message.ts";
import type { Run } from "../../src/protocol/run.ts";
import { startTaskloom, type Taskloom } from "./harness.ts";
import { type ModelCall, type PuppetModel, startPuppetModel } from "./puppet-model.ts";
import { openReader, type ReadServer } from "./stream-reader.ts";

export interface Answer {
  status: number;
  headers: Headers;
  body: Run & { code?: string; detail?: string };
}

/** What a test does with runs of any server. */
export interface RunsActor {
  /** Posts to a path below `/v1/threads/`. */
  post(path: string, body?: unknown, headers?: Record<string, string>): Promise<Answer>;
  readRun(thread: string, run: string): Promise<Run>;
  listRuns(thread: string): Promise<Run[]>;
  listMessages(thread: string, types?: string): Promise<MessageRow[]>;
  /** The events of a run, once its stream was closed. */
  eventsOf(thread: string, run: string): Promise<ThreadEvent[]>;
  /** The next model call, answered with a text. */
  say(text: string): Promise<ModelCall>;
}

export interface RunsClient extends RunsActor {
  taskloom: Taskloom;
  model: PuppetModel;
  close(): Promise<void>;
}

export async function startRunsClient(): Promise<RunsClient> {
  const model = await startPuppetModel();
  const taskloom = await startTaskloom({ OPENAI_BASE_URL: model.baseUrl });
  return {
    taskloom,
    model,
    ...actOn(taskloom, model),
    close: async () => {
      await taskloom.close();
      await model.close();
    },
  };
}

export function actOn(server: ReadServer & Pick<Taskloom, "request" | "json">, model: PuppetModel): RunsActor {
  return {
    post: async (path, body = {}, headers = {}) => {
      const response = await server.request("POST", `/v1/threads/${path}`, body, headers);
      return { status: response.status, headers: response.headers, body: (await response.json()) as Answer["body"] };
    },
    readRun: (thread, run) => server.json("GET", `/v1/threads/${thread}/runs/${run}`),
    listRuns: async (thread) => (await server.json<{ data: Run[] }>("GET", `/v1/threads/${thread}/runs`)).data,
    listMessages: async (thread, types = "") => {
      const path = `/v1/threads/${thread}/messages?limit=200${types === "" ? "" : `&type=${types}`}`;
      return (await server.json<{ data: MessageRow[] }>("GET", path)).data;
    },
    eventsOf: async (thread, run) => {
      const reader = await openReader(server, `/v1/threads/${thread}/runs/${run}/events`);
      expect(await reader.ended).toBe("closed");
      return reader.frames.map(({ event }) => event);
    },
    say: async (text) => {
      const call = await model.next();
      call.text(text);
      call.finish();
      return call;
    },
  };
}

export function useTool(call: ModelCall, id: string, name: string, args: unknown): void {
  call.call(0, id, name, JSON.stringify(args));
  call.finish("tool_calls");
}

/** Texts of people's messages, as the model saw them. */
export function userTexts(call: ModelCall): unknown[] {
  return call.messages.filter(({ role }) => role === "user").map(({ content }) => content);
}
