// Decides which addresses may be fetched on behalf of a user. A machine inside somebody's network fetches the addresses
// of repositories and webhooks that a user gives. Without this check it could be made to read that network's own
// services, or the cloud's metadata with its keys.
//
// It reads the address as `fetch` and git do, after parsing by the URL standard: `0x7f.1`, `017700000001`, `127.0.0.1.`
// and full-width digits have become 127.0.0.1 by then. It is pure and can't detect three things: a public name that
// resolves to a private address, a name whose address changes between two lookups, and the target of a redirect. Call
// it again just before each use. What the Worker fetches itself goes through a network that judges where a name leads
// (network/send.ts). What others fetch, git in a sandbox or a model's server, is for their networks to judge.

/** Why the address must not be fetched, as the end of a sentence; null if it may be. */
export function whyNotPublic(address: string): string | null {
  const url = URL.parse(address);
  if (url === null) return "is not a valid address";
  if (url.protocol !== "https:" && url.protocol !== "http:") return "is not an http or https address";
  const host = url.hostname.replace(/(?<!\.)\.+$/, "").toLowerCase();
  if (host.startsWith("[")) return judgeIPv6(host.slice(1, -1));
  const parts = host.split(".");
  return parts.length === 4 && parts.every((part) => /^\d+$/.test(part))
    ? judgeIPv4(parts.map(Number))
    : judgeName(host);
}

/** Reserved for one's own machine or network, or used so by convention. */
const PRIVATE_ENDINGS = [
  "localhost",
  "local",
  "internal",
  "localdomain",
  "home.arpa",
  "lan",
  "intranet",
  "corp",
  "private",
  "svc",
  "consul",
  "home",
];

function judgeName(host: string): string | null {
  if (host === "localhost" || host.endsWith(".localhost")) return "is this computer itself";
  if (!host.includes(".")) return "is a name of a private network";
  // Google's public name for the metadata of its own machines.
  if (host === "metadata.goog") return LINK_LOCAL;
  const isPrivate = PRIVATE_ENDINGS.some((ending) => host === ending || host.endsWith(`.${ending}`));
  return isPrivate ? "is a name of a private network" : null;
}

const OWN = "is this computer itself";
const PRIVATE = "is an address of a private network";
const LINK_LOCAL = "is a link-local address";
const MULTICAST = "is a multicast address";
const RESERVED = "is a reserved address";

/** First address, prefix length, and the kind of network. */
const networks: [address: [number, number, number, number], length: number, what: string][] = [
  [[0, 0, 0, 0], 8, OWN],
  [[10, 0, 0, 0], 8, PRIVATE],
  [[100, 64, 0, 0], 10, PRIVATE],
  [[127, 0, 0, 0], 8, OWN],
  [[169, 254, 0, 0], 16, LINK_LOCAL],
  // Serves machines in Azure their own settings.
  [[168, 63, 129, 16], 32, LINK_LOCAL],
  [[172, 16, 0, 0], 12, PRIVATE],
  [[192, 0, 0, 0], 24, RESERVED],
  [[192, 0, 2, 0], 24, RESERVED],
  [[192, 88, 99, 0], 24, RESERVED],
  [[192, 168, 0, 0], 16, PRIVATE],
  [[198, 18, 0, 0], 15, PRIVATE],
  [[198, 51, 100, 0], 24, RESERVED],
  [[203, 0, 113, 0], 24, RESERVED],
  [[224, 0, 0, 0], 4, MULTICAST],
  [[240, 0, 0, 0], 4, RESERVED],
];

function judgeIPv4(parts: number[]): string | null {
  const address = toNumber(parts);
  const found = networks.find(([first, length]) => {
    const size = 2 ** (32 - length);
    return Math.floor(address / size) === Math.floor(toNumber(first) / size);
  });
  return found?.[2] ?? null;
}

function toNumber(parts: number[]): number {
  return parts.reduce((sum, part) => sum * 256 + part, 0);
}

function judgeIPv6(text: string): string | null {
  const groups = readGroups(text);
  const begins = (...prefix: number[]) => prefix.every((group, index) => groups[index] === group);
  const [first = 0, second = 0] = groups;
  const embeddedAt = (index: number) => {
    const [high = 0, low = 0] = groups.slice(index);
    return judgeIPv4([high >> 8, high & 255, low >> 8, low & 255]);
  };
  if (begins(0, 0, 0, 0, 0, 0, 0)) return OWN;
  // An embedded IPv4 address: mapped, translated, NAT64 or 6to4.
  if (begins(0, 0, 0, 0, 0, 0xffff) || begins(0x64, 0xff9b, 0, 0, 0, 0)) return embeddedAt(6);
  if (begins(0, 0, 0, 0, 0xffff, 0)) return embeddedAt(6);
  if (begins(0x2002)) return embeddedAt(1);
  if ((first & 0xfe00) === 0xfc00 || (first & 0xffc0) === 0xfec0) return PRIVATE;
  if ((first & 0xffc0) === 0xfe80) return LINK_LOCAL;
  if ((first & 0xff00) === 0xff00) return MULTICAST;
  // Only 2000::/3 is allocated, and within it these are reserved: Teredo and other protocols (2001::/23), examples
  // (2001:db8::/32, 3fff::/20).
  const isReserved = first === 0x2001 && (second < 0x200 || second === 0xdb8);
  return (first & 0xe000) !== 0x2000 || isReserved || (first === 0x3fff && second < 0x1000) ? RESERVED : null;
}

/** The eight groups of an address in the URL parser's form: lower-case hexadecimal, at most one `::`. */
function readGroups(text: string): number[] {
  const [head = "", tail] = text.split("::");
  const read = (part: string) => (part === "" ? [] : part.split(":").map((group) => Number.parseInt(group, 16)));
  const before = read(head);
  const after = read(tail ?? "");
  return [...before, ...new Array<number>(Math.max(0, 8 - before.length - after.length)).fill(0), ...after];
}
