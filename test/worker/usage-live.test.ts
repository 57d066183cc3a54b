// What a run at work has used, as others read it meanwhile: with real objects of threads and the real local D1.
import { expect, it } from "vitest";
import { newId } from "../../src/protocol/ids.ts";
import { realUser } from "./real-client.ts";

it("a run at work shows in its own answer, the thread's list and the thread's usage what it has used until now", async () => {
  const ada = await realUser(newId("user"));
  const path = "/v1/threads/thread-001/runs";
  const plan = JSON.stringify({ sections: [{ title: "Shop", tasks: ["Build it"] }] });
  const message = `[[tool create_tasks ${plan}]] [[then]] [[stall]]`;
  await ada.send("POST", path, { message, invocation_id: "inv_live" });
  const read = async () => (await ada.send("GET", `${path}/inv_live`)).body;
  await expect.poll(async () => (await read()).steps, { timeout: 20_000 }).toBe(1);
  const { usage, status } = await read();
  expect(usage).toMatchObject({ input_tokens: expect.any(Number) });
  expect((usage as { input_tokens: number }).input_tokens).toBeGreaterThan(0);
  expect(status).toBe("running");
  const { total } = (await ada.send("GET", "/v1/usage?thread_id=thread-001")).body;
  expect(total).toMatchObject({ runs: 1, ...(usage as object) });
  expect((await ada.send("GET", path)).body.data?.[0]).toMatchObject({ steps: 1, usage });
  await ada.send("POST", `${path}/inv_live/cancel`);
});
