// The network through which the Worker reaches addresses that users name (`PUBLIC_NETWORK` in src/config.ts). workerd
// compares an address with these lists when it connects, so a name is judged by where it leads at that moment. If a
// name has several addresses, workerd takes one that is permitted.
//
// workerd's own `public` means neither private (RFC 1918, 6598, 3927, 4193), nor local, nor multicast or reserved. It
// lets pass what leads to such addresses in another form. The lists here say all of it, so that they can be compared
// with the check of the addresses themselves (src/lib/public-url.ts).
import { readFileSync } from "node:fs";

/** IPv4, also where an IPv6 address contains it. */
const privateNetworks: [first: string, length: number][] = [
  ["0.0.0.0", 8],
  ["10.0.0.0", 8],
  ["100.64.0.0", 10],
  ["127.0.0.0", 8],
  ["169.254.0.0", 16],
  // Serves machines in Azure their own settings.
  ["168.63.129.16", 32],
  ["172.16.0.0", 12],
  ["192.0.0.0", 24],
  ["192.0.2.0", 24],
  ["192.88.99.0", 24],
  ["192.168.0.0", 16],
  ["198.51.100.0", 24],
  ["203.0.113.0", 24],
  ["224.0.0.0", 4],
  ["240.0.0.0", 4],
  // 198.18.0.0/15 is left out: local proxies answer any name with an address of it and connect to the real one
  // ("fake IP"). As a literal it is refused like the others.
];

/** The well-known prefix of NAT64: a network without IPv4 reaches most sites under it. */
const NAT64 = "64:ff9b::";
const NAT64_LENGTH = 96;

const privateNetworks6 = [
  // All but 2000::/3, the only part that is allocated: local, mapped, unique local, link-local, multicast and others.
  ...["::/3", "4000::/2", "8000::/1"],
  // Teredo and other protocols, examples, 6to4.
  ...["2001::/23", "2001:db8::/32", "3fff::/20", "2002::/16"],
];

/** The longer prefix decides, and `deny` where both are as long. */
export const publicAddresses = {
  allow: ["public", `${NAT64}/${NAT64_LENGTH}`],
  deny: [
    ...privateNetworks.map(([first, length]) => `${first}/${length}`),
    ...privateNetworks6,
    ...privateNetworks.map(([first, length]) => `${NAT64}${toGroups(first)}/${NAT64_LENGTH + length}`),
  ],
};

function toGroups(address: string): string {
  const [a = 0, b = 0, c = 0, d = 0] = address.split(".").map(Number);
  return `${(a * 256 + b).toString(16)}:${(c * 256 + d).toString(16)}`;
}

/** Trusts what the Worker's other requests trust: authorities of browsers, and those in `NODE_EXTRA_CA_CERTS`. */
export function describePublicNetwork() {
  const trustedCertificates = readExtraAuthorities(process.env.NODE_EXTRA_CA_CERTS);
  return { network: { ...publicAddresses, tlsOptions: { trustBrowserCas: true, trustedCertificates } } };
}

/** As Node does, continues without a file that can't be read. */
function readExtraAuthorities(path: string | undefined): string[] {
  if (!path) return [];
  try {
    return readFileSync(path, "utf8").match(/-----BEGIN CERTIFICATE-----[\s\S]+?-----END CERTIFICATE-----/g) ?? [];
  } catch {
    return [];
  }
}
