// A thread's real object that is thrown out of memory while a check's command runs in the sandbox.
import { env } from "cloudflare:test";
import { Daytona } from "@daytonaio/sdk";
import { afterAll, expect, it } from "vitest";
import { sandboxName } from "../../src/projects/sandbox.ts";
import type { Receipt } from "../../src/protocol/plan/check.ts";
import type { Task } from "../../src/protocol/plan/task.ts";
import { killObject } from "./faulty-object.ts";
import { realUser } from "./real-client.ts";

const USER = "user_evicted_checks";

/** Begins with a mark, waits for a word, and ends with a mark. No tree counts the folder. */
const COMMAND =
  "mkdir -p .marks; echo begin >> .marks/check; while [ ! -e .marks/go ]; do sleep 0.1; done; echo end >> .marks/check";

const daytona = new Daytona({
  apiKey: env.DAYTONA_API_KEY ?? "",
  apiUrl: env.DAYTONA_API_URL ?? "",
  useDeprecatedPolling: true,
});
afterAll(async () => {
  for await (const sandbox of daytona.list({ labels: { app: "taskloom" } })) {
    if (sandbox.labels?.user_id === USER) await sandbox.delete();
  }
});

it("comes back to the same command, and closes the task with one receipt", { timeout: 120_000 }, async () => {
  const client = await realUser(USER);
  await client.send("POST", "/v1/projects", { project_id: "checked", name: "Checked" });
  await client.send("POST", "/v1/threads", { thread_id: "evicted", project_id: "checked" });
  const checks = [{ type: "command", run: COMMAND }];
  const use = (name: string, input: object) => `[[tool ${name} ${JSON.stringify(input)}]]`;
  const message = [
    use("create_tasks", { sections: [{ title: "S", tasks: [{ content: "A", checks }] }] }),
    use("execute_command", { command: "true" }),
    use("update_tasks", { task_ids: ["task_1"], status: "completed" }),
    "[[text done]]",
  ].join(" [[then]] ");
  const path = "/v1/threads/evicted";
  // The same request again is the same run, and wakes its object.
  const body = { message, message_id: "msg_evicted", invocation_id: "inv_evicted" };
  const post = (query: string) => client.send("POST", `${path}/runs${query}`, body);
  await post("");
  const sandbox = await untilMade();
  const tell = async (command: string) => (await sandbox.process.executeCommand(command)).result;
  while (!(await tell("cat .marks/check 2>/dev/null")).includes("begin"));
  for (let life = 0; life < 3; life++) {
    await killObject({ user_id: USER, thread_id: "evicted" });
    expect((await post("")).body).toMatchObject({ status: "running" });
  }
  await tell("touch .marks/go");
  expect((await post("?wait=1")).body).toMatchObject({ status: "completed", error: null });
  const seen = (await client.send("GET", `${path}/tasks?include=receipts`)).body;
  const { sections } = seen as unknown as { sections: { tasks: (Task & { receipts: Receipt[] })[] }[] };
  const [task] = sections[0]?.tasks ?? [];
  expect(task).toMatchObject({ status: "completed", verification: "self_checked" });
  expect(task?.receipts).toMatchObject([{ outcome: "passed", exit_code: 0 }]);
  expect(task?.checks?.[0]?.result?.receipt_id).toBe(task?.receipts[0]?.receipt_id);
  expect(await tell("cat .marks/check")).toBe("begin\nend\n");
});

async function untilMade() {
  for (;;) {
    const found = await daytona.get(await sandboxName(USER, "checked")).catch(() => null);
    if (found?.state === "started") return found;
  }
}
