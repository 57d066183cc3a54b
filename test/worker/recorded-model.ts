// Records the requests that real objects of threads send to the model's server.
import { vi } from "vitest";

export interface SentMessage {
  role: string;
  content: unknown;
}

const usualFetch = globalThis.fetch;

/** The messages of each request from now on, in order, until mocks are restored. */
export function recordModel(): SentMessage[][] {
  const requests: SentMessage[][] = [];
  vi.spyOn(globalThis, "fetch").mockImplementation(async (input, init) => {
    const request = new Request(input as string, init as RequestInit);
    if (request.url.endsWith("/chat/completions")) {
      const body = (await request.clone().json()) as { messages: SentMessage[] };
      requests.push(body.messages);
    }
    return usualFetch(request as unknown as Parameters<typeof usualFetch>[0]);
  });
  return requests;
}
