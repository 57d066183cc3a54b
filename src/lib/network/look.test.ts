import { createHash } from "node:crypto";
import { describe, expect, it } from "vitest";
import { lookAtPublic } from "./look.ts";
import type { Send } from "./send.ts";

const { signal } = new AbortController();
const never: Send = () => Promise.reject(new Error("it was asked"));
const answer =
  (body: BodyInit | null, init?: ResponseInit): Send =>
  async () =>
    new Response(body, init);

describe("a look at a public address", () => {
  it("returns status and body, also of a refusal and a redirect", async () => {
    const seen = await lookAtPublic(answer("héllo", { status: 404 }), "https://example.com/x", signal);
    const body_hash = createHash("sha256").update("héllo").digest("hex");
    expect(seen).toEqual({ ok: true, status: 404, body: "héllo", body_bytes: 6, body_hash });
    let sent: RequestInit | undefined;
    const send: Send = async (_, init) => {
      sent = init;
      return new Response(null, { status: 302, headers: { location: "http://10.0.0.1/" } });
    };
    expect(await lookAtPublic(send, "https://example.com/", signal)).toMatchObject({ status: 302, body: "" });
    expect(sent).toMatchObject({ redirect: "manual", headers: { accept: "*/*", "user-agent": "Taskloom" } });
  });

  it("asks nothing of what is not public", async () => {
    for (const url of [
      "http://localhost/",
      "http://10.0.0.1/",
      "http://[::1]/",
      "file:///etc/passwd",
      "no address",
      "http://a:b@example.com/",
    ])
      expect([url, await lookAtPublic(never, url, signal)]).toEqual([
        url,
        expect.objectContaining({ ok: false, refused: true }),
      ]);
  });

  it("keeps 64 KiB of a body, hashes all of it, and leaves one without an end", async () => {
    const long = "x".repeat(200_000);
    const seen = await lookAtPublic(answer(long), "https://example.com/", signal);
    expect(seen).toMatchObject({ body: "x".repeat(65_536), body_bytes: 200_000 });
    let cancelled = false;
    const endless = new ReadableStream<Uint8Array>({
      pull: (controller) => controller.enqueue(new Uint8Array(1_000_000)),
      cancel: () => {
        cancelled = true;
      },
    });
    const left = await lookAtPublic(answer(endless), "https://example.com/", signal);
    expect([left, cancelled]).toEqual([expect.objectContaining({ ok: false, refused: false }), true]);
  });

  it("says that it could not be reached, and when the platform refused in its place", async () => {
    expect(await lookAtPublic(never, "https://example.com/", signal)).toMatchObject({ ok: false, refused: false });
    expect(await lookAtPublic(answer("error code: 1042"), "https://example.com/", signal)).toMatchObject({
      ...{ ok: false, refused: true, message: expect.stringContaining("1042") },
    });
    const reason = new Error("cancelled");
    await expect(lookAtPublic(never, "https://example.com/", AbortSignal.abort(reason))).rejects.toBe(reason);
  });
});
