import { expect, it } from "vitest";
import { equalInConstantTime } from "./constant-time.ts";
import { hashText, toHex } from "./hash.ts";

it("equalInConstantTime finds a difference in any byte or in the length", () => {
  const bytes = Uint8Array.of(1, 2, 255);
  expect(equalInConstantTime(bytes, Uint8Array.of(1, 2, 255))).toBe(true);
  for (const other of [[0, 2, 255], [1, 2, 254], [1, 2], [1, 2, 255, 0], []]) {
    expect(equalInConstantTime(bytes, Uint8Array.from(other))).toBe(false);
  }
});

it("hashText computes SHA-256", async () => {
  expect(toHex(await hashText("abc"))).toBe("ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
});
