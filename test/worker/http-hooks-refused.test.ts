// Deliveries to incoming webhooks that are refused, and what each sender and the log learn.
import { afterEach, describe, expect, it, vi } from "vitest";
import { clearTriggers, hooksOf, inputsOf, signStandard } from "./hook-client.ts";
import { createClient } from "./http-client.ts";

const settings = { ENCRYPTION_KEY: "key of the tests" };
const client = createClient(settings);

const BODY = '{"issue":{"number":7,"title":"It is slow"}}';

afterEach(async () => {
  vi.restoreAllMocks();
  vi.useRealTimers();
  await clearTriggers();
});

const { make, deliver, logOf } = hooksOf(client);

const acceptedInputs = (from = client) => inputsOf(from);

describe("a delivery is refused", () => {
  it.each([
    ["unsigned", () => ({}), /webhook-id is missing/],
    ["signed with another secret", () => signStandard("whsec_C2FVsBQIhrscChlQIMV+b5sSYspob7oD", BODY), /is wrong/],
    ["signed for another body", (secret: string) => signStandard(secret, "{}"), /is wrong/],
    ["too old", (secret: string) => signStandard(secret, BODY, { at: Date.now() - 310_000 }), /too old/],
    ["from the future", (secret: string) => signStandard(secret, BODY, { at: Date.now() + 310_000 }), /future/],
  ])("%s: the sender gets no details, the owner the reason", async (_what, sign, reason) => {
    const { trigger_id, secret } = await make();
    const before = acceptedInputs().length;
    const answer = await deliver(trigger_id, BODY, sign(secret));
    expect([answer.status, answer.body.code]).toEqual([401, "unauthorized"]);
    expect(answer.body.detail).toBe("The delivery is not signed as it should be.");
    expect(await logOf(trigger_id)).toMatchObject([
      { status: "refused", reason: expect.stringMatching(reason), invocation_id: null },
    ]);
    expect(acceptedInputs()).toHaveLength(before);
  });

  it("for a missing trigger, for a schedule and for an invalid id", async () => {
    const schedule = { type: "schedule", prompt: "Report.", cron: "0 9 * * *" };
    const made = await client.send("POST", "/v1/triggers", schedule);
    for (const id of ["trig_none", "a%20b", "x".repeat(300), String(made.body.trigger_id)]) {
      const answer = await deliver(id, BODY, {});
      expect([answer.status, answer.body.code]).toEqual([404, "not_found"]);
    }
    for (const method of ["GET", "PUT"])
      expect((await client.as(null).send(method, "/hooks/trig_none")).status).toBe(404);
  });

  it("while the trigger is paused", async () => {
    const { trigger_id, secret } = await make({ enabled: false });
    const answer = await deliver(trigger_id, BODY, signStandard(secret, BODY));
    expect([answer.status, answer.body.code]).toEqual([403, "forbidden"]);
    expect((await deliver(trigger_id, BODY, {})).status).toBe(401);
    expect(await logOf(trigger_id)).toMatchObject([{}, { status: "refused", reason: "The webhook is paused." }]);
  });

  it("if it is too large, whether it says so or not", async () => {
    const { trigger_id, secret } = await make();
    const whole = JSON.stringify("x".repeat(256 * 1024 - 2));
    expect((await deliver(trigger_id, whole, signStandard(secret, whole))).status).toBe(202);
    const large = `${whole} `;
    const announced = { ...signStandard(secret, large), "content-length": String(large.length) };
    const { body: stream } = new Response(large);
    for (const answer of [
      await deliver(trigger_id, large, announced),
      await client.as(null).send("POST", `/hooks/${trigger_id}`, stream, signStandard(secret, large)),
    ]) {
      expect([answer.status, answer.body.code]).toEqual([413, "body_too_large"]);
    }
    expect((await logOf(trigger_id))[0]).toMatchObject({
      status: "refused",
      reason: "The body is larger than 262144 bytes.",
    });
  });

  it("if its body does not match its content type", async () => {
    const { trigger_id, secret } = await make();
    for (const body of ["{", "", '{"a":1}x']) {
      const answer = await deliver(trigger_id, body, signStandard(secret, body));
      expect([answer.status, answer.body.code]).toEqual([400, "bad_json"]);
    }
    expect(await logOf(trigger_id)).toMatchObject([
      {},
      {},
      { status: "refused", reason: "The content type is JSON, but the body is not valid JSON." },
    ]);
    const text = { ...signStandard(secret, "{"), "content-type": "text/plain" };
    expect((await deliver(trigger_id, "{", text)).status).toBe(202);
    expect(acceptedInputs().at(-1)?.messages[0]?.content).toContain('<webhook_payload>\n"{"\n</webhook_payload>');
  });

  it("if the server can't decrypt the secret", async () => {
    const { trigger_id, secret } = await make();
    const lost = createClient({ ENCRYPTION_KEY: "another key" });
    const answer = await deliver(trigger_id, BODY, signStandard(secret, BODY), lost);
    expect([answer.status, answer.body.code]).toEqual([503, "not_configured"]);
    expect(await logOf(trigger_id)).toMatchObject([
      { reason: expect.stringMatching(/ENCRYPTION_KEY any more.*Rotate it/) },
    ]);
    const rotated = await lost.send("POST", `/v1/triggers/${trigger_id}/rotate`, {});
    expect(rotated.status).toBe(200);
    expect((await deliver(trigger_id, BODY, signStandard(String(rotated.body.secret), BODY), lost)).status).toBe(202);
  });

  it("if a thread is full, so that the sender retries", async () => {
    const { trigger_id, secret } = await make();
    client.threads.next = { failure: { code: "rate_limited", detail: "100 runs are waiting." } };
    const answer = await deliver(trigger_id, BODY, signStandard(secret, BODY));
    expect([answer.status, answer.body.code, answer.headers.get("retry-after")]).toEqual([429, "rate_limited", "60"]);
    expect(await logOf(trigger_id)).toMatchObject([{ reason: "100 runs are waiting." }]);
  });

  it("with a 5xx if the thread's object fails, and is one run when it comes again", async () => {
    const { trigger_id, secret } = await make();
    vi.spyOn(console, "error").mockImplementation(() => {});
    const headers = signStandard(secret, BODY);
    client.threads.next = { error: new Error("the object is away") };
    expect((await deliver(trigger_id, BODY, headers)).status).toBe(500);
    expect(await logOf(trigger_id)).toEqual([]);
    expect((await deliver(trigger_id, BODY, headers)).body).toMatchObject({ duplicate: false });
    expect((await deliver(trigger_id, BODY, headers)).body).toMatchObject({ duplicate: true });
  });

  it("within a bounded time if D1 does not answer", async () => {
    const logged = vi.spyOn(console, "error").mockImplementation(() => {});
    const { trigger_id, secret } = await make();
    // Ends much later, or the test would wait for the work that continues after the answer.
    const raw = () => new Promise((_resolve, reject) => setTimeout(() => reject(new Error("too late")), 20_000));
    const away = createClient({
      ...settings,
      DB: { prepare: () => ({ bind: () => ({ raw }) }) } as unknown as D1Database,
    });
    vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout"] });
    const answered = deliver(trigger_id, BODY, signStandard(secret, BODY), away);
    await vi.waitFor(() => expect(vi.getTimerCount()).toBeGreaterThan(1), 20_000);
    await vi.advanceTimersByTimeAsync(20_000);
    expect((await answered).status).toBe(500);
    expect(logged).toHaveBeenCalledExactlyOnceWith(expect.stringContaining("gave no answer within 8 s"));
  });
});
