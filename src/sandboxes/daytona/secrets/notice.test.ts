import { describe, expect, it } from "vitest";
import type { GivenSecret } from "../../provider.ts";
import { describeGiven } from "./notice.ts";

const give = (name: string, hosts: string[] = [], kept_as: string | null = null): GivenSecret => ({
  ...{ name, value: "canary-value", hosts, kept_as },
});

describe("what the model reads of secrets", () => {
  it("is nothing where there are none", () => {
    expect(describeGiven([])).toBeNull();
  });

  it("has names, hosts and whether a placeholder stands for the value, and never the value", () => {
    const text = describeGiven([give("A"), give("B", ["b.example"]), give("C", ["c.example"], "taskloom_x_C")]) ?? "";
    expect(text).toContain(
      "as secrets: A, B (meant for b.example), C (a placeholder, which HTTPS requests to c.example",
    );
    expect(text).not.toContain("canary");
    expect(text).not.toContain("\n");
  });

  it("stays short with a hundred secrets of twenty hosts each", () => {
    const hosts = Array.from({ length: 20 }, (_, at) => `host-${at}.example`);
    const text = describeGiven(Array.from({ length: 100 }, (_, at) => give(`SECRET_${at}`, hosts))) ?? "";
    expect(text).toContain("host-2.example, …");
    expect(text).toContain(", and 50 more.");
    expect(text.length).toBeLessThan(5_000);
  });
});
