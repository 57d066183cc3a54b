// fetch_url as the Worker makes it: the bundle that is deployed, over TCP, in a run, against a hostile site.
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { type HostileSite, startHostileSite } from "../fakes/hostile-site.ts";
import { type MortalTaskloom, startMortalTaskloom } from "./mortal-server.ts";

interface Message {
  type: string;
  content: unknown;
}

describe("fetch_url in a run", () => {
  let site: HostileSite;
  let taskloom: MortalTaskloom;

  beforeAll(async () => {
    site = await startHostileSite();
    taskloom = await startMortalTaskloom({ WEB_PRIVATE_ORIGINS: site.url, FETCH_CONTACT: "mail@example.com" });
  });
  afterAll(async () => {
    await taskloom?.close();
    await site?.close();
  });
  beforeEach(() => void site.asked.splice(0));

  const call = (path: string, offset = 0) =>
    `[[tool fetch_url ${JSON.stringify({ url: path.startsWith("/") ? site.url + path : path, offset })}]]`;
  const paths = () => site.asked.map(({ path }) => path);

  async function resultsOf(thread: string, message: string): Promise<string[]> {
    await taskloom.json("POST", `/v1/threads/${thread}/runs?wait=1`, { message });
    const { data } = await taskloom.json<{ data: Message[] }>("GET", `/v1/threads/${thread}/messages`);
    return data.filter(({ type }) => type === "tool").map(({ content }) => JSON.stringify(content));
  }

  it("reads a page that the person named, once for all of its parts", async () => {
    const results = await resultsOf("parts", `${call("/paragraphs")}[[then]]${call("/paragraphs", 20_000)}`);
    expect(results[0]).toContain(`[1] ${site.url}/paragraphs`);
    expect(results[0]).toContain(`<web_content source=\\"[1] ${new URL(site.url).host}\\">`);
    expect(results[1]).toContain("[characters 20000-40000 of ");
    expect(paths()).toEqual(["/paragraphs"]);
    expect(site.asked[0]?.headers["user-agent"]).toBe("Taskloom (+mail@example.com)");
  });

  it.each([
    ["/gzip-bomb", "longer than the 2.0 MB"],
    ["/br-bomb", "longer than the 2.0 MB"],
    ["/deflate-bomb", "longer than the 2.0 MB"],
    ["/endless", "longer than the 2.0 MB"],
    ["/declared-long", "longer than the 2.0 MB"],
    ["/not-gzip", "broke before the page was complete"],
    ["/short", "broke before the page was complete"],
    ["/cut", "broke before the page was complete"],
    ["/headers", "headers and was left"],
    ["/garbage", "can't be reached"],
    ["/private", "redirects to one that is an address of a private network"],
    ["/file", "redirects to one that is not an http or https address"],
    ["/deflate", "Deflated words."],
    ["/moved", "Redirected to: "],
    ["/deep", "start"],
    ["/rows", "| 1 |"],
    ["/limited", "asks to wait for 30 s"],
  ])("survives %s in workerd too", async (path, words) => {
    const [result = ""] = await resultsOf(`hostile${path.replaceAll("/", "-")}`, call(path));
    expect(result).toContain(words);
  });

  it("gives a PDF to the sandbox, and continues if that can't read it", async () => {
    const [result = ""] = await resultsOf("pdf", call("/pdf"));
    expect(result).toMatch(/At this address is a PDF.*(?:Its text could not be read|which failed)/);
    const { data } = await taskloom.json<{ data: { status: string }[] }>("GET", "/v1/threads/pdf/runs");
    expect(data.map(({ status }) => status)).toEqual(["completed"]);
  });

  it("is made once more by the life after one that ended during it, and what was read before is not fetched again", async () => {
    const message = [call("/page"), call("/silent-once"), call("/page")].join("[[then]]");
    await taskloom.json("POST", "/v1/threads/lives/runs", { message, invocation_id: "inv_lives" });
    await expect.poll(paths).toEqual(["/page", "/silent-once"]);
    await taskloom.endLife("lives");
    const ended = performance.now();
    // The first request to the object begins its next life, and the stream ends with the run.
    await (await taskloom.request("GET", "/v1/threads/lives/runs/inv_lives/events")).text();
    const status = () => taskloom.json<{ status: string }>("GET", "/v1/threads/lives/runs/inv_lives");
    expect((await status()).status).toBe("completed");
    expect(paths()).toEqual(["/page", "/silent-once", "/silent-once"]);
    // The ended life has left its turn at the host. A turn whose life continues would be waited for until its limit of
    // 30 s.
    expect(performance.now() - ended).toBeLessThan(15_000);
  });

  it("aborts its request when the run is cancelled", async () => {
    const body = { message: call("/drip"), invocation_id: "inv_cancelled" };
    await taskloom.json("POST", "/v1/threads/cancelled/runs", body);
    await expect.poll(paths).toEqual(["/drip"]);
    await taskloom.json("POST", "/v1/threads/cancelled/runs/inv_cancelled/cancel", {});
    await expect.poll(() => site.open()).toBe(0);
  });
});
