import { afterEach, describe, expect, it, vi } from "vitest";
import { Api, ApiError } from "./api.ts";

afterEach(() => void vi.unstubAllGlobals());

/** A server whose thread has these runs, newest first; `asked` holds the page sizes that were requested. */
function serveRuns(statuses: string[]) {
  const asked: number[] = [];
  vi.stubGlobal("fetch", async (address: string) => {
    const limit = Number(new URL(address).searchParams.get("limit"));
    asked.push(limit);
    const data = statuses.slice(0, limit).map((status, index) => ({ invocation_id: `inv_${index}`, status }));
    return Response.json({ data, next_cursor: statuses.length > limit ? "more" : null });
  });
  return asked;
}

const queued = (count: number): string[] => Array.from({ length: count }, () => "queued");

describe("the runs of a thread", () => {
  it.each([
    ["none", [], [10]],
    ["a few that wait", queued(3), [10]],
    ["many that have ended", Array.from({ length: 40 }, () => "completed"), [10]],
    ["nine that wait for the tenth", [...queued(9), "running", "completed"], [10]],
    ["ten that wait, and no more", queued(10), [10]],
    ["ten that wait for another", [...queued(10), "running"], [10, 200]],
    ["as many as wait at most", [...queued(100), "running", "completed"], [10, 200]],
  ])("are read back to the one that works: %s", async (_name, statuses, pages) => {
    const asked = serveRuns(statuses);
    const { data } = await new Api("http://taskloom.test", "key").listRuns("t");
    expect(asked).toEqual(pages);
    expect(data.some(({ status }) => status === "running")).toBe(statuses.includes("running"));
  });
});

describe("a key that is no longer in use", () => {
  it("is not sent again, and a late answer to it is dropped", async () => {
    let isInUse = true;
    const answer = vi.fn(async () => {
      isInUse = false;
      return Response.json({ data: [] });
    });
    vi.stubGlobal("fetch", answer);
    const api = new Api("http://taskloom.test", "key", () => isInUse);
    await expect(api.listInbox("t")).rejects.toMatchObject({ status: 401 });
    await expect(api.listInbox("t")).rejects.toMatchObject({ status: 401 });
    expect(answer).toHaveBeenCalledOnce();
  });
});

it("a request that came to a full quota is not repeated without a word, one of many at once is", () => {
  const isPassing = (status: number, code: string | null) => new ApiError(status, code, "said").isPassing;
  expect(isPassing(429, "quota_exceeded")).toBe(false);
  expect(isPassing(409, "quota_exceeded")).toBe(false);
  expect([isPassing(429, "rate_limited"), isPassing(429, null), isPassing(503, null)]).toEqual([true, true, true]);
});
