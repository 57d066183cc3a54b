// Two versions side by side, as a deploy has them for as long as it lasts: this version's Worker before the objects of
// the newest release, and the release's Worker before this version's objects, method by method. What is played is what
// a client sees. The methods are those that the class has: a new one without a case fails, and so does one that is
// gone.
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { Version } from "../setup/version-pair.ts";
import { cases, startPlace } from "./version-cases.ts";

/** The platform calls it, and each version its own. */
const ofPlatform = ["alarm"];

describe("the methods of a thread's object", () => {
  it("have a case each, and none of the newest release's is gone", async () => {
    const place = await startPlace();
    try {
      await place.deploy("current", "former");
      const former = await place.versions.listMethods();
      await place.deploy("current", "current");
      const current = await place.versions.listMethods();
      expect(former.filter((name) => !current.includes(name))).toEqual([]);
      expect(Object.keys(cases).sort()).toEqual(current.filter((name) => !ofPlatform.includes(name)).sort());
      const added = current.filter((name) => !former.includes(name));
      expect(added.filter((name) => cases[name]?.without === undefined)).toEqual([]);
    } finally {
      await place.versions.close();
      await place.model.close();
    }
  });
});

describe.each<[string, Version, Version]>([
  ["this version's Worker before the newest release's objects", "current", "former"],
  ["the newest release's Worker before this version's objects", "former", "current"],
])("%s", (_, worker, objects) => {
  let place: Awaited<ReturnType<typeof startPlace>>;
  let known: string[];

  beforeAll(async () => {
    place = await startPlace();
    await place.deploy(worker, "former");
    known = await place.versions.listMethods();
    await place.deploy(worker, objects);
  });
  afterAll(async () => {
    await place.versions.close();
    await place.model.close();
  });

  it.each(Object.entries(cases))("%s", async (method, { play, without }) => {
    if (!known.includes(method)) {
      // The release's Worker does not know it, and this one's does without it.
      if (worker === "current") await without?.(place);
      return;
    }
    const before = place.versions.calls.length;
    await play(place);
    const ends = () => place.versions.calls.slice(before).filter((call) => call.method === method);
    // What the runtime logs arrives a little later.
    await expect.poll(ends).not.toEqual([]);
    const threw = place.versions.calls.slice(before).filter(({ end }) => end.startsWith("threw"));
    expect(threw).toEqual([]);
    expect(ends().map(({ end }) => end)).toContain("ok");
  });
});
