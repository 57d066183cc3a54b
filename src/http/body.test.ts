import { afterEach, describe, expect, it, vi } from "vitest";
import { readJson } from "./body.ts";

afterEach(() => {
  vi.useRealTimers();
});

describe("readJson", () => {
  it("refuses a body that trickles for a minute, though what came of it is JSON", async () => {
    vi.useFakeTimers();
    const body = new ReadableStream<Uint8Array>({
      start: (controller) => controller.enqueue(new TextEncoder().encode('{"message":"half"}')),
    });
    const request = new Request("http://localhost/", { method: "POST", body, duplex: "half" } as RequestInit);
    const refused = expect(readJson(request)).rejects.toMatchObject({ failure: { code: "bad_json" } });
    await vi.advanceTimersByTimeAsync(60_000);
    await refused;
  });
});
