// Which addresses may be reached on a user's word. What a user names as an address of a repository or a webhook is
// fetched by a machine that stands in somebody's network: without this it would be asked to read that network's own
// services, or the cloud's metadata with its keys.
//
// It reads the address as `fetch` and git do, after the URL standard's parsing: `0x7f.1`, `017700000001`, `127.0.0.1.` and
// full-width digits are 127.0.0.1 by then. It is pure and can't see: a public name that resolves to a private address
// (a Worker can't resolve names; whoever needs that closed must do it in the network that the sandboxes stand in), a
// name whose address changes between two questions, and where a server redirects to. Call it again just before use.

/** Why the address may not be reached, as the end of a sentence; null where it may. */
export function whyNotPublic(address: string): string | null {
  const url = URL.parse(address);
  if (url === null) return "is no address";
  if (url.protocol !== "https:" && url.protocol !== "http:") return "is no http or https address";
  const host = url.hostname.replace(/\.+$/, "").toLowerCase();
  if (host.startsWith("[")) return judgeIPv6(host.slice(1, -1));
  const parts = host.split(".");
  return parts.length === 4 && parts.every((part) => /^\d+$/.test(part))
    ? judgeIPv4(parts.map(Number))
    : judgeName(host);
}

/** Reserved for one's own machine or network, or used so by custom. */
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

/** First address, length of the prefix, and what lies there. */
const networks: [address: [number, number, number, number], length: number, what: string][] = [
  [[0, 0, 0, 0], 8, OWN],
  [[10, 0, 0, 0], 8, PRIVATE],
  [[100, 64, 0, 0], 10, PRIVATE],
  [[127, 0, 0, 0], 8, OWN],
  [[169, 254, 0, 0], 16, LINK_LOCAL],
  // Answers machines in Azure alone, with their own settings.
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
  const begins = (...prefix: number[]) => prefix.every((group, place) => groups[place] === group);
  const [first = 0, second = 0] = groups;
  const embeddedAt = (place: number) => {
    const [high = 0, low = 0] = groups.slice(place);
    return judgeIPv4([high >> 8, high & 255, low >> 8, low & 255]);
  };
  if (begins(0, 0, 0, 0, 0, 0, 0)) return OWN;
  // An IPv4 address in another dress: mapped, translated, NAT64, 6to4.
  if (begins(0, 0, 0, 0, 0, 0xffff) || begins(0x64, 0xff9b, 0, 0, 0, 0)) return embeddedAt(6);
  if (begins(0, 0, 0, 0, 0xffff, 0)) return embeddedAt(6);
  if (begins(0x2002)) return embeddedAt(1);
  if ((first & 0xfe00) === 0xfc00 || (first & 0xffc0) === 0xfec0) return PRIVATE;
  if ((first & 0xffc0) === 0xfe80) return LINK_LOCAL;
  if ((first & 0xff00) === 0xff00) return MULTICAST;
  // Only 2000::/3 is given out, and of that not: Teredo and other protocols' own (2001::/23), examples (2001:db8::/32, 3fff::/20).
  const isReserved = first === 0x2001 && (second < 0x200 || second === 0xdb8);
  return (first & 0xe000) !== 0x2000 || isReserved || (first === 0x3fff && second < 0x1000) ? RESERVED : null;
}

/** The eight numbers of an address as the URL parser writes it: lower-case hexadecimal, one `::` at most. */
function readGroups(text: string): number[] {
  const [head = "", tail] = text.split("::");
  const read = (part: string) => (part === "" ? [] : part.split(":").map((group) => Number.parseInt(group, 16)));
  const before = read(head);
  const after = read(tail ?? "");
  return [...before, ...new Array<number>(Math.max(0, 8 - before.length - after.length)).fill(0), ...after];
}
