import { describe, expect, it } from "vitest";
import * as zod from "zod";
import * as ours from "./zod.ts";

describe("the bundle's zod", () => {
  it("has all that zod has, the very same, but for the translations", () => {
    const { locales: _, core, ...names } = zod.z;
    const { locales: __, ...coreNames } = core;
    const { core: ourCore, ...ourNames } = ours.z;
    expect({ ...ourNames }).toEqual(names);
    expect({ ...ourCore }).toEqual(coreNames);
    expect(Object.keys(ours).sort()).toEqual(
      Object.keys(zod)
        .filter((name) => name !== "locales")
        .sort(),
    );
    expect(ours.default).toBe(ours.z);
  });

  it("says in English what is wrong", () => {
    const { error } = ours.z.string().safeParse(1);
    expect(error?.issues[0]?.message).toBe("Invalid input: expected string, received number");
  });
});
