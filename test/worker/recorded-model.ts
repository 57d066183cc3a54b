// Records the requests that real objects of threads send to the model's server.
import { vi } from "vitest";
import { cutEnvironment } from "../../dev/model/environment.ts";

export interface SentMessage {
  role: string;
  content: unknown;
}

/** It is a part of its own in front of other parts. */
function withoutEnvironment({ role, content }: SentMessage): SentMessage {
  if (typeof content === "string") return { role, content: cutEnvironment(role, content) };
  if (!Array.isArray(content)) return { role, content };
  const said = content.filter(({ text }: { text?: string }) => text === undefined || cutEnvironment(role, text) !== "");
  return { role, content: said };
}

const usualFetch = globalThis.fetch;

/** The messages of each request from now on, in order and without the environment, until mocks are restored. */
export function recordModel(): SentMessage[][] {
  const requests: SentMessage[][] = [];
  vi.spyOn(globalThis, "fetch").mockImplementation(async (input, init) => {
    const request = new Request(input as string, init as RequestInit);
    if (request.url.endsWith("/chat/completions")) {
      const body = (await request.clone().json()) as { messages: SentMessage[] };
      requests.push(body.messages.map(withoutEnvironment));
    }
    return usualFetch(request as unknown as Parameters<typeof usualFetch>[0]);
  });
  return requests;
}
