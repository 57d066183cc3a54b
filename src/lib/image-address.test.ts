import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { type ImageRules, readImageAddress } from "./image-address.ts";
import { whyNotPublic } from "./public-url.ts";

const usual: ImageRules = { image_urls: "public", private_urls_allowed: false };
const privately: ImageRules = { image_urls: "public", private_urls_allowed: true };
const dataOnly: ImageRules = { image_urls: "data", private_urls_allowed: false };

const png = "data:image/png;base64,AA==";

describe("the address of an image", () => {
  it.each([
    ["https://good.example/a.png", "https://good.example/a.png"],
    ["http://good.example", "http://good.example/"],
    [" \tHTTPS://Good.Example:443/a b.png\n", "https://good.example/a%20b.png"],
    ["https:/good.example/a.png", "https://good.example/a.png"],
    ["https:\\\\good.example\\@10.0.0.1\\a.png", "https://good.example/@10.0.0.1/a.png"],
    ["https://gOOd.ex\nample/a.png?x='1'#y", "https://good.example/a.png?x=%271%27#y"],
    ["https://münchen.example/ü.png", "https://xn--mnchen-3ya.example/%C3%BC.png"],
    ["https://１.1.1.1/", "https://1.1.1.1/"],
    ["https://[2606:4700::1111]:8443/", "https://[2606:4700::1111]:8443/"],
    [
      "https://my_bucket.good.example/a.png?X-Signature=a%2Bb%3D",
      "https://my_bucket.good.example/a.png?X-Signature=a%2Bb%3D",
    ],
  ])("is sent in its checked form: %j as %j", (given, sent) => {
    expect(readImageAddress(given, usual)).toEqual({ url: sent });
  });

  it("may be a data URL of any type, which changes only in its scheme", () => {
    for (const rules of [usual, privately, dataOnly]) {
      for (const data of [
        png,
        "data:,",
        "data:text/html,<a b>\n",
        "data:image/svg+xml;utf8,%00 \\ü",
        `data:${"A".repeat(2_000_000)}`,
      ]) {
        expect(readImageAddress(data, rules)).toEqual({ url: data });
      }
      for (const data of ["DATA:image/png;base64,AA==", " \n\0Data:image/png;base64,AA=="]) {
        expect(readImageAddress(data, rules)).toEqual({ url: png });
      }
    }
  });

  it("may be private if the operator allows it, and still must be http(s) without a user", () => {
    for (const host of ["127.0.0.1:8000", "169.254.169.254", "[::1]", "minio:9000", "nas.local"]) {
      expect(readImageAddress(`http://${host}/a.png`, usual)).toHaveProperty("wrong");
      expect(readImageAddress(`http://${host}/a.png`, privately)).toEqual({ url: `http://${host}/a.png` });
    }
    for (const other of [
      "file:///etc/passwd",
      "gopher://good.example/",
      "ftp://10.0.0.1/",
      "blob:http://a.example/",
      "javascript:0",
      "/a.png",
      "",
      "http://a:b@minio/",
    ]) {
      expect(readImageAddress(other, privately)).toHaveProperty("wrong");
    }
  });

  it("must be a data URL if only these are allowed, and the refusal says what to do", () => {
    for (const private_urls_allowed of [false, true]) {
      for (const other of ["https://good.example/a.png", "http://10.0.0.1/", "file:///a", ""]) {
        const read = readImageAddress(other, { image_urls: "data", private_urls_allowed });
        expect(read).toEqual({ wrong: expect.stringMatching(/must be a data: address.*send the image itself/) });
      }
    }
  });

  it("is not quoted in its refusal", () => {
    for (const address of [
      "file:///canary",
      "https://canary@good.example/",
      "http://canary.local/?canary",
      "canary",
      "https://can ary/",
    ]) {
      expect(JSON.stringify(readImageAddress(address, usual))).not.toMatch(/canary|can ary/);
    }
  });
});

/** Pieces of addresses that parsers read differently; random text alone would seldom contain one. */
const piece = fc.constantFrom(
  ..."/\\@:?#[]%. \t\n\r\0;,&=+$!*'(){}|^~`\"<>_-",
  ...[
    "http",
    "https",
    "HTTP",
    "://",
    "//",
    "file",
    "data:",
    "ftp:",
    "good.example",
    "GOOD.example",
    "example",
    "localhost",
  ],
  ...[
    "169.254.169.254",
    "127.1",
    "0x7f.1",
    "017700000001",
    "2130706433",
    "１２７.0.0.1",
    "[::1]",
    "[::ffff:a9fe:a9fe]",
    "127.0.0.1%2f",
  ],
  ...[
    "%40",
    "%2F",
    "%5C",
    "%09",
    "%00",
    "%2e",
    "％",
    "。",
    "／",
    "＼",
    "＠",
    "：",
    "\u00ad",
    "\u200b",
    "\u212a",
    "ß",
    "xn--",
    ":80",
    ":443",
    "..",
    "user:pass@",
  ],
);
const address = fc.oneof(
  fc.array(piece, { maxLength: 12 }).map((pieces) => pieces.join("")),
  fc.array(piece, { maxLength: 10 }).map((pieces) => `http${pieces.join("")}`),
  fc.array(piece, { maxLength: 8 }).map((pieces) => `https://${pieces.join("")}`),
  fc.array(piece, { maxLength: 8 }).map((pieces) => `http://good.example${pieces.join("")}`),
  fc.webUrl({ withFragments: true, withQueryParameters: true }),
  fc.string({ unit: "binary", maxLength: 30 }).map((text) => `https://${text}`),
);

/** Parsers that implement less than the URL standard, each with the host that it reads. */
const readers: Record<string, (url: string) => string | undefined> = {
  "RFC 3986": (url) => /^(?:[^:/?#]+):\/\/(?:[^@/?#]*@)?(\[[^\]]*\]|[^:/?#]*)/.exec(url)?.[1],
  "Python's urlsplit": (url) => {
    const rest = url.slice(url.indexOf("://") + 3);
    const authority = rest.slice(0, rest.search(/[/?#]|$/));
    const place = authority.slice(authority.lastIndexOf("@") + 1);
    return place.startsWith("[") ? place.slice(0, place.indexOf("]") + 1) : place.split(":")[0];
  },
  "one that takes the first @": (url) => {
    const authority = url.split("/")[2] ?? "";
    return (authority.split("@")[1] ?? authority).replace(/:\d*$/, "");
  },
  "one that takes a backslash for the end": (url) => /^https?:\/\/(\[[^\]]*\]|[^:/\\?#@;,&]*)/.exec(url)?.[1],
};

describe("any text given as an image's address", () => {
  it("is refused, or sent in a form that every parser reads as the same public host", () => {
    let sent = 0;
    fc.assert(
      fc.property(address, (given) => {
        const read = readImageAddress(given, usual);
        if ("wrong" in read || read.url.startsWith("data:")) return;
        sent += 1;
        const { url } = read;
        const parsed = new URL(url);
        expect(parsed.href).toBe(url);
        expect(whyNotPublic(url)).toBeNull();
        expect(url).toMatch(/^https?:\/\/[!-~]+$/);
        expect(parsed.host).toBe(new URL(given).host);
        for (const [reader, hostOf] of Object.entries(readers)) expect(hostOf(url), reader).toBe(parsed.hostname);
        expect(readImageAddress(url, usual)).toEqual(read);
      }),
      { numRuns: 20_000 },
    );
    expect(sent).toBeGreaterThan(1_000);
  });
});
