/**
 * Decides which hosts a relay may connect to.
 *
 * Code in a sandbox writes a repository's remotes and must not reach this machine's services through them. An address
 * of this machine or of a private network is therefore allowed only if the server's client named it (a clone, a remote
 * that it added), and only as a literal address: whoever chose a name may have chosen where it resolves to, so names
 * need the operator's permission. It is checked when the connection is made, since a name may resolve differently by
 * then.
 */
import { type LookupAddress, type LookupOptions, lookup } from "node:dns";
import { BlockList, isIP } from "node:net";

const privateAddresses = new BlockList();
for (const [network, prefix] of [
  ["0.0.0.0", 8],
  ["10.0.0.0", 8],
  ["100.64.0.0", 10],
  ["127.0.0.0", 8],
  // Serves machines in Azure their own settings.
  ["168.63.129.16", 32],
  ["169.254.0.0", 16],
  ["172.16.0.0", 12],
  ["192.0.0.0", 24],
  ["192.168.0.0", 16],
  ["198.18.0.0", 15],
  ["224.0.0.0", 3],
] as const) {
  privateAddresses.addSubnet(network, prefix, "ipv4");
}
for (const [network, prefix] of [
  // Also IPv4 addresses in other forms: compatible, translated, NAT64 of a private network, 6to4.
  ["::", 96],
  ["::ffff:0:0:0", 96],
  ["64:ff9b::", 96],
  ["64:ff9b:1::", 48],
  ["2002::", 16],
  ["fc00::", 7],
  ["fe80::", 10],
  ["fec0::", 10],
  ["ff00::", 8],
] as const) {
  privateAddresses.addSubnet(network, prefix, "ipv6");
}

/** Also recognizes IPv6 addresses that contain an IPv4 address. */
export function isPrivateAddress(address: string): boolean {
  return privateAddresses.check(address, isIP(address) === 6 ? "ipv6" : "ipv4");
}

export class PrivateAddressError extends Error {}

/** Checks a literal address in a URL: Node looks up no literals, so the lookup check would miss it. */
export function isPrivateLiteral(hostname: string): boolean {
  const address = hostname.replace(/^\[|\]$/g, "");
  return isIP(address) !== 0 && isPrivateAddress(address);
}

/** Whether the relay may connect to this host if it is private. `named` are the hosts that a client named. */
export function mayBePrivate(url: URL, named: string[], namesAllowed: boolean): boolean {
  const showsIt = isPrivateLiteral(url.hostname) || url.hostname === "localhost";
  return named.includes(url.host) && (showsIt || namesAllowed);
}

type LookedUp = (error: Error | null, address: string | LookupAddress[], family?: number) => void;

/** For Node's `lookup` option: resolves as usual and rejects private addresses. */
export function lookUpPublic(hostname: string, options: LookupOptions, done: LookedUp): void {
  lookup(hostname, { ...options, all: true }, (error, addresses) => {
    if (error) return done(error, []);
    if (addresses.some(({ address }) => isPrivateAddress(address))) {
      return done(new PrivateAddressError(`${hostname} is an address of a private network`), []);
    }
    const [first] = addresses;
    if (options.all || !first) return done(null, addresses);
    done(null, first.address, first.family);
  });
}
