// The double of the tests here keeps the contract of the real place.
import { beforeAll, describe } from "vitest";
import { describeCheckCore } from "../../../../test/contract/sandbox-port/core/checks.ts";
import { MemoryCheckPlace } from "../../../../test/fakes/check-place.ts";

describe("a place for checks in memory", () => {
  let place: MemoryCheckPlace;
  beforeAll(() => {
    place = new MemoryCheckPlace();
    place.awaitLimit = async () => {};
  });
  describeCheckCore(() => ({
    place,
    does: (run, deed) => place.deeds.set(run, deed),
    write: async (path, text) => void place.files.set(path, text),
    remove: async (path) => void place.files.delete(path),
  }));
});
