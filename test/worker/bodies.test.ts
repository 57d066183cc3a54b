// Bodies that do not arrive, read in workerd, where a read that is cancelled or has lost its client is rejected.
import { afterEach, expect, it, vi } from "vitest";
import { readJson } from "../../src/http/body.ts";

afterEach(() => {
  vi.useRealTimers();
});

function makeRequest(headers: Record<string, string>) {
  const { readable, writable } = new IdentityTransformStream();
  const request = new Request("http://localhost/", { method: "POST", body: readable, headers });
  return { request, writer: writable.getWriter() };
}

it.each([
  ["a length", { "content-length": "900000" }],
  ["no length", {}],
])(
  "a body with %s that has not ended after a minute is refused as such, and is no failure of the server",
  async (_what, headers) => {
    vi.useFakeTimers();
    const { request, writer } = makeRequest(headers as Record<string, string>);
    const refused = expect(readJson(request)).rejects.toMatchObject({
      failure: { code: "bad_json", detail: "The body did not arrive within 60 s." },
    });
    await writer.write(new TextEncoder().encode('{"message":"half"}'));
    await vi.advanceTimersByTimeAsync(60_000);
    await refused;
  },
);

it("a body that breaks off is refused as such, and is no failure of the server", async () => {
  const { request, writer } = makeRequest({ "content-length": "900000" });
  const refused = expect(readJson(request)).rejects.toMatchObject({
    failure: { code: "bad_json", detail: "The body broke off before its end." },
  });
  await writer.write(new TextEncoder().encode('{"message":"half'));
  await writer.abort(new Error("Network connection lost."));
  await refused;
});
