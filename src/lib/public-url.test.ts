import { describe, expect, it } from "vitest";
import { whyNotPublic } from "./public-url.ts";

const refused: [host: string, why: RegExp][] = [
  ["localhost", /itself/],
  ["LocalHost.", /itself/],
  ["a.b.localhost", /itself/],
  ["127.0.0.1", /itself/],
  ["127.0.0.1.", /itself/],
  ["127.1", /itself/],
  ["127.255.255.254", /itself/],
  ["0x7f000001", /itself/],
  ["0x7F.0.0.0x1", /itself/],
  ["017700000001", /itself/],
  ["2130706433", /itself/],
  ["１２７.0.0.1", /itself/],
  ["127。0。0。1", /itself/],
  ["%31%32%37.0.0.1", /itself/],
  ["0", /itself/],
  ["0.0.0.0", /itself/],
  ["[::]", /itself/],
  ["[::1]", /itself/],
  ["[0:0:0:0:0:0:0:1]", /itself/],
  ["[::ffff:127.0.0.1]", /itself/],
  ["[::ffff:7f00:1]", /itself/],
  ["[64:ff9b::127.0.0.1]", /itself/],
  ["[2002:7f00:1::]", /itself/],
  ["[::ffff:0:127.0.0.1]", /itself/],
  ["10.0.0.1", /private/],
  ["172.16.0.1", /private/],
  ["172.31.255.255", /private/],
  ["192.168.1.1", /private/],
  ["3232235777", /private/],
  ["100.64.0.1", /private/],
  ["100.127.255.255", /private/],
  ["100.100.100.200", /private/],
  ["198.19.0.1", /private/],
  ["kubernetes.default.svc", /private/],
  ["vault.service.consul", /private/],
  ["168.63.129.16", /link-local/],
  ["metadata.goog", /link-local/],
  ["Metadata.Goog.", /link-local/],
  ["[fc00::1]", /private/],
  ["[fd00:ec2::254]", /private/],
  ["[fec0::1]", /private/],
  ["[64:ff9b::a00:1]", /private/],
  ["169.254.169.254", /link-local/],
  ["169.254.169.254.", /link-local/],
  ["[::ffff:a9fe:a9fe]", /link-local/],
  ["[64:ff9b::a9fe:a9fe]", /link-local/],
  ["[fe80::1]", /link-local/],
  ["[febf::1]", /link-local/],
  ["224.0.0.1", /multicast/],
  ["[ff02::1]", /multicast/],
  ["255.255.255.255", /reserved/],
  ["240.0.0.1", /reserved/],
  ["192.0.2.1", /reserved/],
  ["[2001:db8::1]", /reserved/],
  ["[2001::1]", /reserved/],
  ["[100::1]", /reserved/],
  ["[64:ff9b:1::1]", /reserved/],
  ["[::7f00:1]", /reserved/],
  ["printer.local", /private/],
  ["metadata.google.internal", /private/],
  ["metadata.google.internal.", /private/],
  ["router.home.arpa", /private/],
  ["git", /private/],
  ["git.", /private/],
];

const allowed = [
  "github.com",
  "github.com.",
  "localhost.example.com",
  "git.internal.example.com",
  "mylocal.org",
  "8.8.8.8",
  "172.32.0.1",
  "172.15.255.255",
  "100.63.255.255",
  "100.128.0.1",
  "169.253.255.255",
  "11.0.0.1",
  "[2606:4700::1111]",
  "[::ffff:8.8.8.8]",
  "[64:ff9b::808:808]",
  "[2002:808:808::]",
  "münchen.de",
];

describe("an address given by a user", () => {
  it.each(refused)("may not be %s", (host, why) => {
    for (const url of [`https://${host}/a.git`, `http://${host}:8080/`]) expect(whyNotPublic(url)).toMatch(why);
  });

  it.each(allowed)("may be %s", (host) => {
    expect(whyNotPublic(`https://${host}/a.git`)).toBeNull();
  });

  it("is judged by its host alone, whatever else it contains", () => {
    expect(whyNotPublic("https://github.com@127.0.0.1/")).toMatch(/itself/);
    expect(whyNotPublic("https://127.0.0.1@github.com/")).toBeNull();
    expect(whyNotPublic("https://127.0.0.1\\@github.com/")).toMatch(/itself/);
    expect(whyNotPublic("https:\n//127.0.0.1/")).toMatch(/itself/);
    expect(whyNotPublic("https://github.com/?next=http://127.0.0.1")).toBeNull();
  });

  it("must be http or https", () => {
    for (const url of ["ssh://git@github.com/a", "file:///etc/passwd", "git://github.com/a", "ext::sh -c id"]) {
      expect(whyNotPublic(url)).toMatch(/not an http/);
    }
    for (const url of ["", "github.com", "https://", "https://[::1", "https://a b/"]) {
      expect(whyNotPublic(url)).toMatch(/not a valid address/);
    }
  });
});
