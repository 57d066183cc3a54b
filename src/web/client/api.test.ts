import { afterEach, describe, expect, it, vi } from "vitest";
import { Api, ApiError, readProblem } from "./api.ts";

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

describe("a run that is started", () => {
  it("has the model and the caps that are given, and no others", async () => {
    const bodies: Record<string, unknown>[] = [];
    vi.stubGlobal("fetch", async (_address: string, { body }: RequestInit) => {
      bodies.push(JSON.parse(String(body)));
      return new Response("");
    });
    const api = new Api("http://taskloom.test", "key");
    const { signal } = new AbortController();
    await api.startRun("t", "r", { id: "m", text: "hi", model: "a", caps: { max_cost_usd: 0 } }, signal);
    await api.startRun("t", "r", { id: "m", text: "hi" }, signal);
    const always = { message: "hi", message_id: "m", invocation_id: "r", time_zone: expect.any(String) };
    expect(bodies).toEqual([{ ...always, model: "a", max_cost_usd: 0 }, always]);
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

it("a request that came to a full quota is repeated where the server says when, one of many at once anyway", () => {
  const isPassing = (status: number, code: string | null, at: number | null = null) =>
    new ApiError(status, code, "said", at).isPassing;
  expect([isPassing(429, "quota_exceeded", 1), isPassing(409, "quota_exceeded", 1)]).toEqual([true, false]);
  expect(isPassing(429, "quota_exceeded")).toBe(false);
  expect(isPassing(409, "quota_exceeded")).toBe(false);
  expect([isPassing(429, "rate_limited"), isPassing(429, null), isPassing(503, null)]).toEqual([true, true, true]);
});

describe("the time at which the server takes a request again", () => {
  const now = Date.now();
  const read = async (status: number, header: string | null) => {
    const headers: Record<string, string> = header === null ? {} : { "retry-after": header };
    const { retryAt } = await readProblem(new Response("{}", { status, headers }));
    return retryAt === null ? null : Math.round((retryAt - now) / 60_000);
  };

  it("is read from its header, in seconds or as a date, for an hour at most", async () => {
    const date = new Date(now + 10 * 60_000).toUTCString();
    expect(await Promise.all([read(429, "120"), read(503, date), read(429, "999999")])).toEqual([2, 10, 60]);
  });

  it("is not known without one, or for other refusals", async () => {
    const unknown = [read(429, null), read(503, "soon"), read(500, "120"), read(409, "120")];
    expect(await Promise.all(unknown)).toEqual([null, null, null, null]);
  });
});
