import { describe, expect, it } from "vitest";
import { isPrivateAddress, isPrivateLiteral, lookUpPublic, PrivateAddressError } from "./relay-address.ts";

describe("an address", () => {
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

  it.each(["fe80::1", "fd00::1", "::ffff:127.0.0.1", "::ffff:10.0.0.1", "64:ff9b::7f00:1"])(
    "%s is private",
    (address) => expect(isPrivateAddress(address)).toBe(true),
  );

  it.each(["140.82.121.4", "172.32.0.1", "2606:50c0:8000::153", "::ffff:140.82.121.4"])("%s is public", (address) =>
    expect(isPrivateAddress(address)).toBe(false),
  );

  it("is seen in a URL's host as well, and a name is none", () => {
    expect(isPrivateLiteral(new URL("http://[::1]/").hostname)).toBe(true);
    expect(isPrivateLiteral(new URL("http://0x7f.1/").hostname)).toBe(true);
    expect(isPrivateLiteral("localhost")).toBe(false);
  });
});

describe("a name that leads inside", () => {
  it.each([{ all: true }, {}])("is refused where it is looked up (%o)", async (options) => {
    const error = await new Promise((resolve) => lookUpPublic("localhost", options, resolve));
    expect(error).toBeInstanceOf(PrivateAddressError);
  });
});
