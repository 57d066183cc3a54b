// Addresses that checks ask, in the real Worker: they count as pages, and a body is hashed while it streams.
import { createHash } from "node:crypto";
import { expect, it, vi } from "vitest";
import { look } from "../../src/tools/web/pages/look.ts";
import { giveQuotas } from "./quota-users.ts";
import { realUser } from "./real-client.ts";

interface Shown {
  sections: { tasks: { checks: { result: { outcome: string; reason: string } }[] }[] }[];
}

it("are not asked for a user without pages, however often the checks are run", async () => {
  vi.spyOn(console, "warn").mockImplementation(() => {});
  const user = await realUser("user_asks_addresses");
  await giveQuotas("user_asks_addresses", { lookups_per_day: 0 });
  const path = "/v1/threads/thread-asks-addresses";
  await user.send("POST", "/v1/threads", { thread_id: "thread-asks-addresses" });
  const checks = [1, 2].map((at) => ({ type: "http", url: `https://example.com/${at}` }));
  const create = { op: "create", section_title: "S", task_contents: [{ content: "Publish it", checks }] };
  await user.send("PATCH", `${path}/tasks`, { operations: [create] });
  for (let round = 0; round < 2; round++)
    expect((await user.send("POST", `${path}/checks/run?wait=1`, {})).status).toBe(200);
  const shown = (await user.send("GET", `${path}/tasks`)).body as unknown as Shown;
  for (const { result } of shown.sections[0]?.tasks[0]?.checks ?? [])
    expect(result).toMatchObject({ outcome: "not_run", reason: expect.stringContaining("the quota lookups_per_day") });
  vi.restoreAllMocks();
});

it("have the hash of a whole body of which 64 KiB are kept", async () => {
  const body = "x".repeat(300_000);
  const send = async () => new Response(body);
  const seen = await look(
    new URL("https://a.example/"),
    { send, user_agent: "Taskloom" },
    new AbortController().signal,
  );
  const body_hash = createHash("sha256").update(body).digest("hex");
  expect(seen).toEqual({ ok: true, status: 200, body: body.slice(0, 65_536), body_bytes: 300_000, body_hash });
});
