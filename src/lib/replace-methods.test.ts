import { describe, expect, it } from "vitest";
import { replaceMethods } from "./replace-methods.ts";

class Counter {
  #count = 0;
  readonly name = "counter";
  add(): number {
    this.#count += 1;
    return this.#count;
  }
  read(): number {
    return this.#count;
  }
}

describe("an object with replaced methods", () => {
  it("has the new methods, and keeps the others with the private state of their class", () => {
    const counter = new Counter();
    const replaced = replaceMethods(counter, { read: () => 100 + counter.read() });
    const { add } = replaced;
    expect([add(), replaced.add(), replaced.read(), counter.read(), replaced.name]).toEqual([1, 2, 102, 2, "counter"]);
  });
});
