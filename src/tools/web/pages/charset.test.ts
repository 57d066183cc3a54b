import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { encode } from "../../../../test/pages/build/encode.ts";
import { decode } from "./charset.ts";

const utf8 = (text: string) => new TextEncoder().encode(text);
const chinese = "青河发源于青岭，全长一百二十九公里。";

describe("the encoding of a page", () => {
  it("is what the server names, in any of its names", () => {
    for (const name of ["gbk", "GB2312", "gb18030", "x-gbk"]) {
      expect(decode(encode(chinese, "gb18030"), name, true)).toEqual({ text: chinese, charset: "gb18030" });
    }
    expect(decode(encode("時刻表", "shift_jis"), "Shift_JIS", false).text).toBe("時刻表");
    expect(decode(encode("čeština", "windows-1250"), "windows-1250", false).text).toBe("čeština");
  });

  it("is that of its mark, before all", () => {
    expect(decode(Uint8Array.from([0xff, 0xfe, 0x52, 0x97]), "utf-8", true)).toEqual({
      text: "青",
      charset: "utf-16le",
    });
    expect(decode(Uint8Array.from([0xef, 0xbb, 0xbf, ...utf8("é")]), "gbk", true).text).toBe("é");
  });

  it("is what the page names, where the server names none or an unknown one", () => {
    const html = `<html><head><meta charset="gb2312"></head><p>${chinese}`;
    expect(decode(encode(html, "gb18030"), null, true).text).toBe(html);
    expect(decode(encode(html, "gb18030"), "no-such-thing", true).text).toBe(html);
    const old = `<META http-equiv=Content-Type content="text/html; charset=Big5"><p>開館時間`;
    expect(decode(encode(old, "big5"), "", true).text).toBe(old);
    const xml = `<?xml version="1.0" encoding="windows-1251"?><a>Погода</a>`;
    expect(decode(encode(xml, "windows-1251"), null, true).text).toBe(xml);
    // A plain text that speaks of an encoding has none.
    expect(decode(utf8(`<meta charset="gbk"> ü`), null, false).charset).toBe("utf-8");
  });

  it.each([
    ["UTF-8 that is said to be GBK", utf8(chinese), "gbk", chinese],
    ["UTF-8 that is said to be Latin-1", utf8("Brücke – „ja“"), "iso-8859-1", "Brücke – „ja“"],
    [
      "GBK that is said to be UTF-8, of a page in Chinese",
      encode(`<html lang="zh">${chinese}`, "gb18030"),
      "utf-8",
      `<html lang="zh">${chinese}`,
    ],
    [
      "Big5 without a name, of a page from Taiwan",
      encode(`<html lang="zh-TW">開館時間公告`, "big5"),
      null,
      `<html lang="zh-TW">開館時間公告`,
    ],
    [
      "Shift_JIS that is said to be UTF-8",
      encode(`<html lang="ja">積雪時は運休します。`, "shift_jis"),
      "utf-8",
      `<html lang="ja">積雪時は運休します。`,
    ],
    [
      "Windows-1252 that is said to be UTF-8",
      encode(`<html lang="de">Brücke über den Fluß`, "windows-1252"),
      "utf-8",
      `<html lang="de">Brücke über den Fluß`,
    ],
  ])("is found where it is wrong: %s", (_, bytes, declared, text) => {
    expect(decode(bytes, declared, true).text).toBe(text);
  });

  it("survives a few damaged bytes", () => {
    const bytes = Uint8Array.from([...utf8(chinese.repeat(100)), 0xe9, 0x9d]);
    expect(decode(bytes, "utf-8", true)).toMatchObject({ charset: "utf-8", text: expect.stringContaining(chinese) });
  });

  it("gives a text for any bytes and any name", () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 300 }), fc.option(fc.string()), fc.boolean(), (bytes, name, isMarkup) => {
        expect(typeof decode(bytes, name, isMarkup).text).toBe("string");
      }),
    );
  });
});
