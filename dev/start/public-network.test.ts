import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { BlockList, isIPv6 } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import fc from "fast-check";
import { afterEach, describe, expect, it, vi } from "vitest";
import { whyNotPublic } from "../../src/lib/public-url.ts";
import { runCount } from "../../test/setup/run-count.ts";
import { describePublicNetwork, publicAddresses } from "./public-network.ts";

/** workerd's rule: of the networks that have the address, the longest decides. `public` is shorter than any. */
function isReached(address: string): boolean {
  const longest = (networks: string[]) =>
    Math.max(-1, ...networks.filter((network) => network === "public" || contains(network, address)).map(lengthOf));
  return longest(publicAddresses.allow) > longest(publicAddresses.deny);
}

function lengthOf(network: string): number {
  return network === "public" ? 0 : Number(network.split("/")[1]);
}

function contains(network: string, address: string): boolean {
  const [first = "", length] = network.split("/");
  if (isIPv6(first) !== isIPv6(address)) return false;
  const family = isIPv6(first) ? "ipv6" : "ipv4";
  const list = new BlockList();
  list.addSubnet(first, Number(length), family);
  return list.check(address, family);
}

const isPublic = (address: string) =>
  whyNotPublic(isIPv6(address) ? `http://[${address}]/` : `http://${address}/`) === null;

/** Addresses at and near the borders of every network, which chance would hardly find. */
const borders = publicAddresses.deny
  .map((network) => network.split("/")[0] ?? "")
  .flatMap((first) =>
    isIPv6(first) ? [first] : [first, first.replace(/\d+$/, (last) => String((Number(last) + 255) % 256))],
  );

describe("the network of addresses that users name", () => {
  it("reaches no address that the check of addresses refuses, but those of fake-IP proxies", () => {
    const part = fc.integer({ min: 0, max: 255 });
    const four = fc.tuple(part, part, part, part).map((parts) => parts.join("."));
    const group = fc.integer({ min: 0, max: 0xffff }).map((value) => value.toString(16));
    const prefix = fc.constantFrom("64:ff9b::", "2002:", "2001:", "fe80::", "fc", "::ffff:", "::", "3fff:", "26");
    const six = fc.oneof(
      fc.array(group, { minLength: 8, maxLength: 8 }).map((groups) => groups.join(":")),
      fc
        .tuple(prefix, four)
        .map(([start, end]) =>
          start.endsWith("::") || start === "::ffff:"
            ? start + end
            : `${start}${start.endsWith(":") ? "" : "00:"}:${end}`,
        ),
    );
    const judge = (address: string) => {
      if (/^198\.1[89]\./.test(address) || isNat64OfFakeIp(address)) return;
      if (!isPublic(address)) expect([address, isReached(address)]).toEqual([address, false]);
    };
    for (const address of borders) judge(address);
    fc.assert(fc.property(fc.oneof(four, six), judge), { numRuns: runCount(3000) });
  });

  it("reaches what the check permits, also where a network without IPv4 translates it", () => {
    const part = fc.integer({ min: 0, max: 255 });
    fc.assert(
      fc.property(fc.tuple(part, part, part, part), (parts) => {
        const address = parts.join(".");
        if (!isPublic(address)) return;
        expect([address, isReached(address)]).toEqual([address, true]);
        expect([address, isReached(`64:ff9b::${address}`)]).toEqual([address, true]);
      }),
      { numRuns: runCount(3000) },
    );
    for (const address of ["2606:4700:4700::1111", "2a00:1450:4001::8", "2400:cb00::1"]) {
      expect([address, isReached(address)]).toEqual([address, true]);
    }
  });

  it.each(["198.18.0.1", "198.19.255.254"])("reaches %s, with which local proxies answer any name", (address) => {
    expect(isReached(address)).toBe(true);
    expect(isPublic(address)).toBe(false);
  });
});

function isNat64OfFakeIp(address: string): boolean {
  return /^64:ff9b::(?:198\.1[89]\.|c61[23]:)/.test(address);
}

describe("its certificates", () => {
  afterEach(() => void vi.unstubAllEnvs());

  const trusted = () => describePublicNetwork().network.tlsOptions;

  it("are those that browsers trust, and those of NODE_EXTRA_CA_CERTS", async () => {
    const folder = await mkdtemp(join(tmpdir(), "taskloom-authorities-"));
    const own = "-----BEGIN CERTIFICATE-----\nb3du\n-----END CERTIFICATE-----";
    await writeFile(join(folder, "own.pem"), `# Ours\n${own}\n${own}\n`);
    vi.stubEnv("NODE_EXTRA_CA_CERTS", join(folder, "own.pem"));
    expect(trusted()).toEqual({ trustBrowserCas: true, trustedCertificates: [own, own] });
    await rm(folder, { recursive: true });
    expect(trusted()).toEqual({ trustBrowserCas: true, trustedCertificates: [] });
    vi.stubEnv("NODE_EXTRA_CA_CERTS", undefined);
    expect(trusted()).toEqual({ trustBrowserCas: true, trustedCertificates: [] });
  });
});
