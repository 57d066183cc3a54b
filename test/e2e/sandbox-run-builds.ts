// A run whose project specifies its sandbox: an image that is built while the reader watches, one whose build fails,
// resources that a snapshot refuses. Registered by sandbox-run-faults.test.ts, beside whose slow cases these cost no
// time.
import { expect, it } from "vitest";
import type { Run } from "../../src/protocol/run.ts";
import type { FaultySandboxes } from "./faulty-sandboxes.ts";
import { collectFrames } from "./harness.ts";

let sandboxes: FaultySandboxes;

export function enterBuilds(opened: FaultySandboxes): void {
  sandboxes = opened;
}

async function makeProject(project_id: string, sandbox: object): Promise<void> {
  await sandboxes.json("POST", "/v1/projects", { project_id, name: project_id, sandbox });
  await sandboxes.json("POST", "/v1/threads", { thread_id: project_id, project_id });
}

/** The sandbox states that the run's reader received, and the run's end. */
async function watch(thread: string, command: string): Promise<{ states: string[]; run: Run }> {
  const { url, key } = sandboxes.access();
  const response = await fetch(`${url}/v1/threads/${thread}/runs`, {
    method: "POST",
    headers: { authorization: `Bearer ${key}`, "content-type": "application/json", accept: "text/event-stream" },
    body: JSON.stringify({ message: `[[tool execute_command ${JSON.stringify({ command })}]]` }),
  });
  const states = (await collectFrames(response)).flatMap(({ event }) =>
    event.type === "CUSTOM" && event.name === "sandbox" ? [`${event.value.state}: ${event.value.message}`] : [],
  );
  const { data } = await sandboxes.json<{ data: Run[] }>("GET", `/v1/threads/${thread}/runs?limit=1`);
  return { states, run: data[0] as Run };
}

export function describeBuilds(): void {
  it("reports the progress of its image's build, and works in the result", async () => {
    const dockerfile =
      "FROM debian:13\nENV FLAVOUR=plum\nRUN for i in 1 2 3 4 5 6; do echo part $i; sleep 1; done; touch built";
    await makeProject("image", { dockerfile, env: { A: "b c" }, cpu: 2, memory: 2, disk: 4, auto_stop_minutes: 5 });
    const { states, run } = await watch("image", 'echo "$FLAVOUR $A"; ls');
    expect([run.status, run.error]).toEqual(["completed", null]);
    expect(await sandboxes.results("image")).toEqual(["exit_code: 0\nplum b c\nbuilt\n"]);
    const news = states.filter((text) => text.startsWith("building_snapshot: ") && text.includes("part "));
    expect(news.length).toBeGreaterThan(0);
    expect(news.length).toBeLessThan(7);
    const state = await sandboxes.json("GET", "/v1/projects/image/sandbox");
    expect(state).toMatchObject({ state: "started", cpu: 2, memory: 2, disk: 4, auto_stop_minutes: 5 });
  });

  it("ends with the last lines of a failed build; after a change of the project it works", async () => {
    await makeProject("broken", { dockerfile: "FROM debian:13\nRUN echo the reason is here; exit 9" });
    const { states, run } = await watch("broken", "echo never");
    expect(run).toMatchObject({ status: "failed", error: { code: "sandbox_error" } });
    expect(run.error?.message).toMatch(/could not be built.*Change the project's image.*the reason is here/s);
    expect(await sandboxes.results("broken")).toEqual([run.error?.message]);
    expect(states.at(-1)).toBe(`build_failed: ${run.error?.message}`);
    await sandboxes.json("PATCH", "/v1/projects/broken", {
      sandbox: { dockerfile: "FROM debian:13\nRUN touch mended" },
    });
    expect((await watch("broken", "ls")).run.status).toBe("completed");
    expect((await sandboxes.results("broken")).at(-1)).toBe("exit_code: 0\nmended\n");
  });

  it("gets resources that its snapshot has not, and a changed setting at its next run", async () => {
    await makeProject("sized", { cpu: 2, disk: 5 });
    expect((await watch("sized", "echo kept > kept.txt")).run.status).toBe("completed");
    const path = "/v1/projects/sized";
    expect(await sandboxes.json("GET", `${path}/sandbox`)).toMatchObject({ cpu: 2, memory: 1, disk: 5 });
    await sandboxes.json("PATCH", path, { sandbox: { cpu: 3, disk: 5, auto_stop_minutes: 7 } });
    expect((await watch("sized", "cat kept.txt")).run.status).toBe("completed");
    expect((await sandboxes.results("sized")).at(-1)).toBe("exit_code: 0\nkept\n");
    expect(await sandboxes.json("GET", `${path}/sandbox`)).toMatchObject({ cpu: 3, auto_stop_minutes: 7 });
  });
}
