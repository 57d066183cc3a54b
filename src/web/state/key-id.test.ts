import { describe, expect, it } from "vitest";
import { keyIdOf } from "./key-id.ts";

describe("keyIdOf", () => {
  it("is the id under which the list has the key", () => {
    const key = `tl_01jdf3k8x2m4n6p8q0r2s4t6v8_${"a".repeat(40)}`;
    expect(keyIdOf(key)).toBe("key_01jdf3k8x2m4n6p8q0r2s4t6v8");
  });

  it("is null for a key from the server's settings", () => {
    expect(keyIdOf("local-key")).toBeNull();
    expect(keyIdOf("tl_short_x")).toBeNull();
  });
});
