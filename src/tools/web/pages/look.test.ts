import { createHash } from "node:crypto";
import { describe, expect, it } from "vitest";
import type { Send } from "../../../lib/network/send.ts";
import { look } from "./look.ts";

const { signal } = new AbortController();
const url = new URL("https://example.com/x");
const never: Send = () => Promise.reject(new Error("it was asked"));
const answer =
  (body: BodyInit | null, init?: ResponseInit): Send =>
  async () =>
    new Response(body, init);
const lookAt = (send: Send, until = signal) => look(url, { send, user_agent: "Taskloom" }, until);

/** `count` pieces of 64 KiB; `read` is how many were taken. */
function pieces(count: number) {
  const seen = { read: 0, cancelled: false };
  const stream = new ReadableStream<Uint8Array>(
    {
      pull: (controller) => {
        if (seen.read++ === count) controller.close();
        else controller.enqueue(new Uint8Array(65_536).fill(seen.read));
      },
      cancel: () => {
        seen.cancelled = true;
      },
    },
    { highWaterMark: 0 },
  );
  return { stream, seen };
}

describe("a look at an address", () => {
  it("returns status and body, also of a refusal and a redirect", async () => {
    const body_hash = createHash("sha256").update("héllo").digest("hex");
    expect(await lookAt(answer("héllo", { status: 404 }))).toEqual({
      ...{ ok: true, status: 404, body: "héllo", body_bytes: 6, body_hash },
    });
    let sent: RequestInit | undefined;
    const send: Send = async (_, init) => {
      sent = init;
      return new Response(null, { status: 302, headers: { location: "http://10.0.0.1/" } });
    };
    expect(await lookAt(send)).toMatchObject({ status: 302, body: "" });
    expect(sent).toMatchObject({ redirect: "manual", headers: { accept: "*/*", "user-agent": "Taskloom" } });
  });

  it("keeps 64 KiB of a body, hashes all of it piece by piece, and leaves one without an end", async () => {
    const { stream, seen } = pieces(100);
    const hash = createHash("sha256");
    for (let at = 1; at <= 100; at++) hash.update(new Uint8Array(65_536).fill(at));
    expect(await lookAt(answer(stream))).toEqual({
      ...{ ok: true, status: 200, body: "\u0001".repeat(65_536), body_bytes: 6_553_600, body_hash: hash.digest("hex") },
    });
    expect(seen).toEqual({ read: 101, cancelled: false });
    const endless = pieces(Number.POSITIVE_INFINITY);
    expect(await lookAt(answer(endless.stream))).toMatchObject({ ok: false, refused: false });
    expect(endless.seen).toEqual({ read: 129, cancelled: true });
  });

  it("says that it could not be reached, and when the platform refused in its place", async () => {
    expect(await lookAt(never)).toMatchObject({ ok: false, refused: false });
    expect(await lookAt(answer("error code: 1042"))).toMatchObject({
      ...{ ok: false, refused: true, message: expect.stringContaining("1042") },
    });
    const reason = new Error("cancelled");
    await expect(lookAt(never, AbortSignal.abort(reason))).rejects.toBe(reason);
  });
});
