import { describe, expect, it, vi } from "vitest";
import { readPayload } from "./payload.ts";

describe("a form", () => {
  const type = "application/x-www-form-urlencoded";
  const read = (text: string) => {
    const payload = readPayload(new TextEncoder().encode(text), type);
    return payload.ok ? payload.value.fields : payload;
  };

  it("keeps all values of each field in their order, but for the payload", () => {
    expect(read('a=1&b=2&a=3&payload={"x":1}&__proto__=4')).toEqual(
      Object.assign(Object.create(null), { a: ["1", "3"], b: ["2"], ["__proto__"]: ["4"] }),
    );
  });

  it("is not searched again for each of its names", () => {
    const search = vi.spyOn(URLSearchParams.prototype, "getAll");
    expect(Object.keys(read(Array.from({ length: 500 }, (_, at) => `f${at}=1`).join("&")) ?? {})).toHaveLength(500);
    expect(search).not.toHaveBeenCalled();
    search.mockRestore();
  });
});
