import { afterEach, describe, expect, it, vi } from "vitest";
import { isComing, readBytes, readJson } from "./body.ts";

afterEach(() => {
  vi.useRealTimers();
});

describe("readJson", () => {
  it("refuses a body that has not ended after a minute, even if what has arrived is JSON", async () => {
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

describe("a body whose length is not announced", () => {
  it("does not end with an empty piece", async () => {
    const body = new ReadableStream<Uint8Array>({
      start(controller) {
        for (const text of ["", "{}", ""]) controller.enqueue(new TextEncoder().encode(text));
        controller.close();
      },
    });
    const request = new Request("http://localhost/", { method: "POST", body, duplex: "half" } as RequestInit);
    expect(await readJson(request)).toEqual({});
  });
});

describe("a body that is too large", () => {
  const LIMIT = 1024;

  /** A request of 64 KiB chunks. `seen` records how many were read, and whether the rest was cancelled. */
  function makeRequest(chunks: number, headers: Record<string, string> = {}) {
    const seen = { taken: 0, isCancelled: false };
    const body = new ReadableStream<Uint8Array>(
      {
        pull: (controller) => {
          if (seen.taken === chunks) return controller.close();
          seen.taken++;
          controller.enqueue(new Uint8Array(64 * 1024));
        },
        cancel: () => {
          seen.isCancelled = true;
        },
      },
      { highWaterMark: 0 },
    );
    const init = { method: "POST", body, headers, duplex: "half" } as RequestInit;
    return { request: new Request("http://localhost/", init), seen };
  }

  it.each<Record<string, string>>([{}, { "content-length": String(100 * 64 * 1024) }])(
    "is refused only after it has arrived, announced or not, so that its client reads the reason",
    async (headers) => {
      const { request, seen } = makeRequest(100, headers);
      await expect(readBytes(request, LIMIT)).rejects.toMatchObject({ failure: { code: "body_too_large" } });
      expect(seen).toEqual({ taken: 100, isCancelled: false });
    },
  );

  it("is read up to the limit of dropped bytes, or not at all if it announces more", async () => {
    const endless = makeRequest(Number.POSITIVE_INFINITY);
    await expect(readBytes(endless.request, LIMIT)).rejects.toMatchObject({ failure: { code: "body_too_large" } });
    expect(endless.seen.taken).toBeLessThan(300);
    expect(endless.seen.isCancelled).toBe(true);
    const announced = makeRequest(10_000, { "content-length": String(10_000 * 64 * 1024) });
    await expect(readBytes(announced.request, LIMIT)).rejects.toMatchObject({ failure: { code: "body_too_large" } });
    expect(announced.seen).toEqual({ taken: 0, isCancelled: true });
  });

  it("is awaited for two seconds at most", async () => {
    vi.useFakeTimers();
    const body = new ReadableStream<Uint8Array>({ start: (controller) => controller.enqueue(new Uint8Array(2000)) });
    const request = new Request("http://localhost/", { method: "POST", body, duplex: "half" } as RequestInit);
    const refused = expect(readBytes(request, LIMIT)).rejects.toMatchObject({ failure: { code: "body_too_large" } });
    await vi.advanceTimersByTimeAsync(2_000);
    await refused;
  });
});

describe("a body that nobody has read", () => {
  const request = (headers: Record<string, string>, body: string | null = "x") =>
    new Request("http://localhost/", { method: "POST", body, headers });

  it.each<[string, boolean, Request]>([
    ["is none", false, request({}, null)],
    ["has no length", true, request({})],
    ["is what the runtime drops", false, request({ "content-length": "65536" })],
    ["is larger", true, request({ "content-length": "65537" })],
    ["is more than is dropped", false, request({ "content-length": String(16 * 1024 * 1024 + 1) })],
    ["waits for an answer", false, request({ "content-length": "900000", expect: "100-continue" })],
  ])("%s: has to be dropped: %s", (_what, isIt, sent) => {
    expect(isComing(sent)).toBe(isIt);
  });

  it("is not dropped where somebody reads it", async () => {
    const sent = request({ "content-length": "900000" });
    await sent.text();
    expect(isComing(sent)).toBe(false);
  });
});
