// Senders of webhooks, as each scheme has them sign.
import { createHmac } from "node:crypto";
import { Webhook } from "standardwebhooks";

let count = 0;

/** Headers of a delivery of Standard Webhooks, made by its own library. */
export function signStandard(secret: string, body: string, { id = `msg_${++count}`, at = Date.now() } = {}) {
  const seconds = Math.floor(at / 1000);
  const signature = new Webhook(secret).sign(id, new Date(seconds * 1000), body);
  return {
    "content-type": "application/json",
    "webhook-id": id,
    "webhook-timestamp": String(seconds),
    "webhook-signature": signature,
  };
}

export function signGithub(secret: string, body: string, { id = `guid-${++count}`, event = "issues" } = {}) {
  return {
    "content-type": "application/json",
    "x-github-delivery": id,
    "x-github-event": event,
    "x-hub-signature-256": `sha256=${createHmac("sha256", secret).update(body).digest("hex")}`,
  };
}

export function signBody(secret: string, body: string) {
  return { "x-signature": createHmac("sha256", secret).update(body).digest("hex") };
}
