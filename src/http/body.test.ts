import { afterEach, describe, expect, it, vi } from "vitest";
import { isComing, readBytes, readJson, releaseBody } from "./body.ts";

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

describe("a body that is no text", () => {
  it.each([
    ["gzip", /^The body is compressed/],
    [null, /^The body is not valid UTF-8/],
  ])("is refused with what it is: Content-Encoding %s", async (encoding, said) => {
    const headers: Record<string, string> = encoding === null ? {} : { "content-encoding": encoding };
    const request = new Request("http://localhost/", {
      method: "POST",
      headers,
      body: new Uint8Array([0x1f, 0x8b, 8]),
    });
    await expect(readJson(request)).rejects.toMatchObject({
      failure: { code: "bad_json", detail: expect.stringMatching(said) },
    });
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

describe("many long bodies at once", () => {
  const MIB = 1024 * 1024;

  /** Nothing of it comes before `send`. */
  function makeSlow(bytes: number) {
    let send = () => {};
    const body = new ReadableStream<Uint8Array>(
      {
        pull: (controller) =>
          new Promise<void>((resolve) => {
            send = () => {
              controller.enqueue(new Uint8Array(bytes));
              controller.close();
              resolve();
            };
          }),
      },
      { highWaterMark: 0 },
    );
    const headers = { "content-length": String(bytes) };
    const request = new Request("http://localhost/", { method: "POST", body, headers, duplex: "half" } as RequestInit);
    return { request, send: () => send() };
  }

  it("wait unread for a while, then are refused with a time to come back, and leave room to other users", async () => {
    vi.useFakeTimers();
    const slow = Array.from({ length: 6 }, () => makeSlow(MIB));
    const read = slow.map(({ request }) => readBytes(request, MIB, "slow"));
    const outcomes = read.map((each) =>
      each.then(
        ({ length }) => length,
        ({ failure }) => failure,
      ),
    );
    const other = makeSlow(MIB);
    const others = readBytes(other.request, MIB, "other");
    await vi.advanceTimersByTimeAsync(15_000);
    const refused = { code: "overloaded", retry_after_s: expect.any(Number) };
    expect(await Promise.all(outcomes.slice(3))).toMatchObject([refused, refused, refused]);
    for (const each of [...slow.slice(0, 3), other]) each.send();
    expect(await Promise.all([...outcomes.slice(0, 3), others.then(({ length }) => length)])).toEqual(
      Array.from({ length: 4 }, () => MIB),
    );
    for (const { request } of [...slow, other]) releaseBody(request);
    const next = makeSlow(MIB);
    const taken = readBytes(next.request, MIB, "slow");
    await vi.advanceTimersByTimeAsync(1_000);
    next.send();
    expect((await taken).length).toBe(MIB);
    releaseBody(next.request);
  });

  it("give their room back when their client leaves", async () => {
    vi.useFakeTimers();
    const leaving = new AbortController();
    const gone = Array.from({ length: 4 }, () => makeSlow(MIB));
    for (const { request } of gone) {
      const left = new Request(request, { signal: leaving.signal });
      void readBytes(left, MIB, "gone").catch(() => {});
    }
    await vi.advanceTimersByTimeAsync(100);
    leaving.abort();
    const next = makeSlow(MIB);
    const taken = readBytes(next.request, MIB, "gone");
    await vi.advanceTimersByTimeAsync(1_000);
    next.send();
    expect((await taken).length).toBe(MIB);
  });
});
