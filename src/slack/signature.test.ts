import { createHmac } from "node:crypto";
import { isValidSlackRequest } from "@slack/bolt/dist/receivers/verify-request.js";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { checkSignature, type SlackSignature } from "./signature.ts";

const secret = "8f742231b10e8888abcd99yyyzzz85a5";
const now = 1_764_000_000_000;
const seconds = Math.floor(now / 1000);
const encoder = new TextEncoder();

function signedAt(time: number | string, body: string, key = secret): SlackSignature {
  const hex = createHmac("sha256", key).update(`v0:${time}:${body}`).digest("hex");
  return { timestamp: String(time), signature: `v0=${hex}` };
}

const check = (given: SlackSignature, body: string) => checkSignature(given, encoder.encode(body), secret, now);

describe("a signature of Slack", () => {
  it("is valid if it is the example of Slack's documentation", async () => {
    const body =
      "token=xyzz0WbapA4vBCDEFasx0q6G&team_id=T1DC2JH3J&team_domain=testteamnow&channel_id=G8PSS9T3V&channel_name=foobar&user_id=U2CERLKJA&user_name=roadrunner&command=%2Fwebhook-collect&text=&response_url=https%3A%2F%2Fhooks.slack.com%2Fcommands%2FT1DC2JH3J%2F397700885554%2F96rGlfmibIGlgcZRskXaIFfN&trigger_id=398738663015.47445629121.803a0bc887a14d10d2c447fce8b6703c";
    const signature = "v0=a2114d57b48eac39b9ad189dd8316235a7b4a8d21a10bd27519666489c69b503";
    const given = { timestamp: "1531420618", signature };
    expect(await checkSignature(given, encoder.encode(body), secret, 1_531_420_618_000)).toBe("valid");
  });

  it("is valid if and only if Bolt accepts it, for every body", async () => {
    await fc.assert(
      fc.asyncProperty(fc.string({ unit: "grapheme" }), fc.constantFrom(secret, "another"), async (body, key) => {
        const { timestamp, signature } = signedAt(seconds, body, key);
        const headers = { "x-slack-signature": signature ?? "", "x-slack-request-timestamp": Number(timestamp) };
        const byBolt = isValidSlackRequest({ signingSecret: secret, body, headers, nowMilliseconds: now });
        expect((await check({ timestamp, signature }, body)) === "valid").toBe(byBolt);
      }),
    );
  });

  it.each([
    [300, "valid"],
    [301, "too_old"],
    [-300, "valid"],
    [-301, "too_new"],
  ])("of %s seconds ago is %s", async (age, result) => {
    expect(await check(signedAt(seconds - age, "{}"), "{}")).toBe(result);
  });

  it("is wrong for any other body", async () => {
    expect(await check(signedAt(seconds, "{}"), "{} ")).toBe("wrong");
  });

  const { timestamp, signature } = signedAt(seconds, "{}");
  it.each([
    [{ timestamp: null, signature }, "missing"],
    [{ timestamp, signature: null }, "missing"],
    [{ timestamp, signature: `${signature}, ${signature}` }, "malformed"],
    [{ timestamp: `${timestamp}, ${timestamp}`, signature }, "malformed"],
    [{ timestamp: "now", signature }, "malformed"],
    [{ timestamp: `-${timestamp}`, signature }, "malformed"],
    [{ timestamp: `${timestamp}.5`, signature }, "malformed"],
    [{ timestamp: "", signature: "" }, "malformed"],
    [{ timestamp, signature: String(signature).replace("v0", "v1") }, "malformed"],
    [{ timestamp, signature: String(signature).slice(0, -2) }, "malformed"],
    [{ timestamp, signature: String(signature).replace(/.$/, (last) => (last === "0" ? "1" : "0")) }, "wrong"],
  ])("with the headers %j is %s", async (given, result) => {
    expect(await check(given, "{}")).toBe(result);
  });
});
