import { beforeEach, describe, expect, it, vi } from "vitest";

const MIB = 1024 * 1024;
let taken: (() => void)[] = [];
let Writes: typeof import("./writes.ts")["Writes"];
let areStrained: () => boolean;
let writeChars: () => number;

// Test files share modules, and readers of other files may not have taken theirs.
beforeEach(async () => {
  vi.resetModules();
  ({ Writes, areStrained, writeChars } = await import("./writes.ts"));
  taken = [];
});

function write(writes: InstanceType<typeof Writes>, bytes: Uint8Array): boolean {
  if (!writes.fit(bytes)) return false;
  writes.begin(bytes);
  taken.push(() => writes.end(bytes));
  return true;
}

describe("what is written to readers and not taken", () => {
  it("counts once where readers share it, until the last of them has taken it", () => {
    const writes = new Writes();
    const shared = new Uint8Array(3 * MIB);
    for (let reader = 0; reader < 100; reader++) expect(write(writes, shared)).toBe(true);
    expect(areStrained()).toBe(false);
    expect(write(writes, new Uint8Array(2 * MIB))).toBe(true);
    expect([areStrained(), writeChars()]).toEqual([true, 4096]);
    for (let reader = 0; reader < 99; reader++) taken.shift()?.();
    expect(areStrained()).toBe(true);
    taken.shift()?.();
    expect([areStrained(), writeChars()]).toEqual([false, 65_536]);
  });

  it("has a bound for all threads together, and others fit again once some of it is taken", () => {
    const [one, other] = [new Writes(), new Writes()];
    for (let count = 0; count < 6; count++) expect(write(one, new Uint8Array(MIB))).toBe(true);
    expect(write(other, new Uint8Array(1))).toBe(false);
    taken.shift()?.();
    expect(write(other, new Uint8Array(1))).toBe(true);
  });

  it("gives back once", () => {
    const writes = new Writes();
    const bytes = new Uint8Array(5 * MIB);
    write(writes, bytes);
    writes.end(bytes);
    writes.end(bytes);
    expect(areStrained()).toBe(false);
    expect(write(writes, new Uint8Array(5 * MIB))).toBe(true);
    expect(areStrained()).toBe(true);
  });
});
