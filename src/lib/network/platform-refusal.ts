// Cloudflare's own answer in place of a server that a Worker asked for: one line of text, `error code: 1042`, under the
// status 404, 409 or 5xx. Whoever reads only the status looks for the fault at a server that was never asked.

/** Longer than any such line. */
export const MAX_REFUSAL_CHARACTERS = 32;

const reasons: Record<string, string> = {
  "1000": "the name leads to an address that Cloudflare does not allow",
  "1002": "the name leads to a private address",
  "1003": "the address is a bare IP address, which Cloudflare refuses",
  "1016": "the name has no address behind Cloudflare",
  "1019": "the address leads back to this server in a loop",
  "1024": "the address belongs to Cloudflare itself",
  "1033": "the tunnel behind the address is down",
  "1042":
    "the address is another Worker on this server's zone or workers.dev subdomain, or one that does not exist there: give that Worker a domain of its own, or reach it from elsewhere",
};

/** Plain words for such an answer; null for any other. */
export function describePlatformRefusal(text: string): string | null {
  const code = /^error code: (1\d{3})$/.exec(text.slice(0, MAX_REFUSAL_CHARACTERS).trim())?.[1];
  if (code === undefined || text.trim().length > MAX_REFUSAL_CHARACTERS) return null;
  const reason = reasons[code];
  return `Cloudflare refused in the server's place (error ${code})${reason === undefined ? "" : `: ${reason}`}`;
}
