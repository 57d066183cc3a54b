import { describe, expect, it } from "vitest";
import { isPrivateAddress, isPrivateLiteral, lookUpPublic, mayBePrivate, PrivateAddressError } from "./relay.ts";

describe("isPrivateAddress", () => {
  it.each([
    "127.0.0.1",
    "10.1.2.3",
    "169.254.169.254",
    "172.31.0.1",
    "192.168.1.1",
    "0.0.0.0",
    "224.0.0.1",
    "::1",
    "::",
  ])("%s is private", (address) => expect(isPrivateAddress(address)).toBe(true));

  it.each(["168.63.129.16", "::ffff:168.63.129.16", "::7f00:1", "::ffff:0:7f00:1", "2002:7f00:1::", "fec0::1"])(
    "%s is private, in whatever form",
    (address) => expect(isPrivateAddress(address)).toBe(true),
  );

  it.each(["fe80::1", "fd00::1", "::ffff:127.0.0.1", "::ffff:10.0.0.1", "64:ff9b::7f00:1"])(
    "%s is private",
    (address) => expect(isPrivateAddress(address)).toBe(true),
  );

  it.each(["140.82.121.4", "172.32.0.1", "2606:50c0:8000::153", "::ffff:140.82.121.4"])("%s is public", (address) =>
    expect(isPrivateAddress(address)).toBe(false),
  );

  it("checks the literal address in a URL's host, and ignores names", () => {
    expect(isPrivateLiteral(new URL("http://[::1]/").hostname)).toBe(true);
    expect(isPrivateLiteral(new URL("http://0x7f.1/").hostname)).toBe(true);
    expect(isPrivateLiteral("localhost")).toBe(false);
  });
});

describe("mayBePrivate", () => {
  const named = ["10.0.0.1:3000", "git.corp.example", "localhost:1"];
  const mayReach = (url: string, namesAllowed = false): boolean => mayBePrivate(new URL(url), named, namesAllowed);

  it("allows a private address that a client named, on that port", () => {
    expect([mayReach("http://10.0.0.1:3000/x"), mayReach("http://localhost:1/x")]).toEqual([true, true]);
    expect([mayReach("http://10.0.0.1/x"), mayReach("http://10.0.0.2:3000/x")]).toEqual([false, false]);
  });

  it("allows a private name when the operator permits names and a client named it", () => {
    expect([mayReach("https://git.corp.example/x"), mayReach("https://git.corp.example/x", true)]).toEqual([
      false,
      true,
    ]);
    expect(mayReach("https://other.corp.example/x", true)).toBe(false);
  });
});

describe("lookUpPublic", () => {
  it.each([{ all: true }, {}])("rejects a name that resolves to a private address (%o)", async (options) => {
    const error = await new Promise((resolve) => lookUpPublic("localhost", options, resolve));
    expect(error).toBeInstanceOf(PrivateAddressError);
  });
});
