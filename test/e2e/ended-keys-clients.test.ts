// What our own clients say when their key is deleted while they watch a run: the page and `npm run ask`. Neither tries
// again and again.
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { hasBrowser } from "../setup/browser.ts";
import { runProgram } from "../setup/started-server.ts";
import { openVisitors, type Visitors } from "./web-visitors.ts";

let people: Visitors;
let ada: string;

interface KeyMade {
  key: string;
  key_id: string;
}

const makeKey = () => people.request<KeyMade>(ada, "POST", "/v1/api-keys");
const deleteKey = ({ key_id }: KeyMade) => people.request(ada, "DELETE", `/v1/api-keys/${key_id}`);
const runsOf = (thread: string) =>
  people.request<{ data?: { status: string }[] }>(ada, "GET", `/v1/threads/${thread}/runs`);

beforeAll(async () => {
  people = await openVisitors();
  ada = await people.makeUser("user_ada", "Ada");
});
afterAll(() => people?.close());

// Each waits for an object's next look at the keys of its readers, ten seconds at most.
describe.skipIf(!hasBrowser).concurrent("the page whose key is deleted", () => {
  it.each([
    ["the run that it began", true],
    ["the thread, in which another began one", false],
  ])("while it watches %s asks for another key, keeps the place, and sends nothing more", async (_what, begins) => {
    const thread = begins ? "began" : "watched";
    const own = await makeKey();
    const { page, asked } = await people.visit(begins ? own.key : ada, { place: `&thread=${thread}` });
    const box = page.getByLabel("Message", { exact: true });
    await box.fill("[[say 3000]] [[pace 10]]");
    await box.press("Enter");
    await page.locator("[data-answer]").waitFor();
    const watcher = begins ? { page, asked } : await people.visit(own.key, { place: `&thread=${thread}` });
    await watcher.page.locator("[data-answer]").waitFor();
    await watcher.page.getByLabel("Message", { exact: true }).fill("a draft");
    await deleteKey(own);
    await watcher.page.getByText("Your API key is no longer valid.").waitFor();
    const { length } = watcher.asked;
    // One more attempt may still succeed, where the key was looked up a moment before.
    expect(watcher.asked.filter(({ path }) => path.endsWith("/events")).length).toBeLessThan(4);
    await watcher.page.getByLabel("API key").fill(ada);
    await watcher.page.getByRole("button", { name: "Sign in" }).click();
    await watcher.page.locator("[data-answer]").waitFor();
    expect(await watcher.page.getByLabel("Message", { exact: true }).inputValue()).toBe("a draft");
    expect(watcher.asked.slice(length).filter(({ key }) => key === own.key)).toEqual([]);
    expect((await runsOf(thread)).data).toMatchObject([{ status: "running" }]);
  });
});

describe.concurrent("npm run ask whose key is deleted", () => {
  it("says so and ends with 1, and the run continues", async () => {
    const own = await makeKey();
    const request = ["[[say 3000]] [[pace 10]]", "--url", people.origin, "--thread", "asked"];
    const run = runProgram("dev/ask.ts", request, { TASKLOOM_API_KEY: own.key });
    await expect.poll(async () => (await runsOf("asked")).data?.[0]?.status).toBe("running");
    await expect.poll(async () => JSON.stringify(await diagnosticsOf("asked"))).toContain('"readers":1');
    await deleteKey(own);
    expect(await run).toMatchObject({
      code: 1,
      stderr: expect.stringContaining(
        "The API key is no longer valid. The run continues without you; read it with another key.\n",
      ),
    });
    expect((await runsOf("asked")).data).toMatchObject([{ status: "running" }]);
  });
});

const diagnosticsOf = (thread: string) => people.request(ada, "GET", `/v1/threads/${thread}/diagnostics`);
