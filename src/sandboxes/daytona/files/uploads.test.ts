import { describe, expect, it } from "vitest";
import { writeUploadBody } from "./uploads.ts";

function streamOf(...pieces: string[]): ReadableStream<Uint8Array> {
  const encoder = new TextEncoder();
  return new ReadableStream({
    start: (controller) => {
      for (const piece of pieces) controller.enqueue(encoder.encode(piece));
      controller.close();
    },
  });
}

function send(content: ReadableStream<Uint8Array>, limit_bytes = 1000, silence_ms = 60_000) {
  const end = Promise.withResolvers<never>();
  const failures: unknown[] = [];
  const onFailure = (failure: unknown) => {
    failures.push(failure);
    end.reject(failure);
  };
  end.promise.catch(() => undefined);
  const body = writeUploadBody("/home/商店/a b.txt", { content, limit_bytes }, onFailure, silence_ms);
  return { body, failures, read: () => Promise.race([new Response(body.stream).text(), end.promise]) };
}

describe("an upload's body", () => {
  it("is a form with the path before the file's exact bytes", async () => {
    const { body, failures } = send(streamOf("one ", "--two\r\n", "", "three"));
    const form = await new Response(body.stream, { headers: { "content-type": body.type } }).formData();
    expect([...form.keys()]).toEqual(["files[0].path", "files[0].file"]);
    expect(form.get("files[0].path")).toBe("/home/商店/a b.txt");
    expect(await (form.get("files[0].file") as File).text()).toBe("one --two\r\nthree");
    expect(body.size).toBe(16);
    expect(failures).toEqual([]);
  });

  it("accepts a file up to the limit, and cancels its source one byte later", async () => {
    expect(await send(streamOf("x".repeat(10)), 10).read()).toContain("x".repeat(10));
    let cancelled: unknown = null;
    const content = new ReadableStream<Uint8Array>({
      pull: (controller) => controller.enqueue(new Uint8Array(4)),
      cancel: (reason) => {
        cancelled = reason;
      },
    });
    const { read, failures } = send(content, 10);
    await expect(read()).rejects.toMatchObject({ code: "too_large" });
    expect([cancelled]).toEqual(failures);
  });

  it("reads from its source only on demand", async () => {
    let pulls = 0;
    const content = new ReadableStream<Uint8Array>(
      {
        pull: (controller) => {
          pulls++;
          controller.enqueue(new Uint8Array(100));
        },
      },
      { highWaterMark: 0 },
    );
    const reader = send(content, Number.POSITIVE_INFINITY).body.stream.getReader();
    for (let piece = 0; piece < 5; piece++) await reader.read();
    await new Promise((resolve) => setImmediate(resolve));
    expect(pulls).toBeLessThanOrEqual(6);
  });

  it("has no sender's failure if its source fails after the reader cancelled", async () => {
    const pending = Promise.withResolvers<never>();
    const reader = {
      read: () => pending.promise,
      cancel: async (reason: unknown) => pending.reject(reason),
    };
    const content = { getReader: () => reader } as unknown as ReadableStream<Uint8Array>;
    const { body, failures } = send(content);
    const sandbox = body.stream.getReader();
    await sandbox.read();
    const next = sandbox.read();
    await sandbox.cancel(new Error("the sandbox is gone"));
    await expect(next).resolves.toMatchObject({ done: true });
    await pending.promise.catch(() => undefined);
    await new Promise((resolve) => setImmediate(resolve));
    expect(failures).toEqual([]);
  });

  it("fails if its source fails, and if its source stays silent", async () => {
    const broken = send(new ReadableStream({ start: (controller) => controller.error(new Error("connection lost")) }));
    await expect(broken.read()).rejects.toThrow("connection lost");
    const silent = send(new ReadableStream<Uint8Array>(), 1000, 5);
    await expect(silent.read()).rejects.toMatchObject({ code: "invalid" });
  });
});
