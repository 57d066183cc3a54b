import { describe, expect, it } from "vitest";
import { takeTurns } from "./turns.ts";

describe("speakers that take turns", () => {
  it("print in their order, and the first at once", () => {
    let printed = "";
    const join = takeTurns((text) => {
      printed += text;
    });
    const [one, two, three] = [join(), join(), join()];
    two.say("b1 ");
    one.say("a1 ");
    expect(printed).toBe("a1 ");
    three.say("c1 ");
    three.end();
    one.say("a2 ");
    one.end();
    expect(printed).toBe("a1 a2 b1 ");
    two.say("b2 ");
    expect(printed).toBe("a1 a2 b1 b2 ");
    two.end();
    expect(printed).toBe("a1 a2 b1 b2 c1 ");
  });

  it("print at once if all before them are over", () => {
    const printed: string[] = [];
    const join = takeTurns((text) => void printed.push(text));
    join().end();
    const late = join();
    late.say("x");
    late.end();
    expect(printed).toEqual(["x"]);
  });
});
