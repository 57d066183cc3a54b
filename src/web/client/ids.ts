// Ids that a client chooses, so that a request sent twice is the same request.
export function newId(prefix: "inv" | "thread" | "msg"): string {
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  return `${prefix}_${[...bytes].map((byte) => byte.toString(16).padStart(2, "0")).join("")}`;
}
