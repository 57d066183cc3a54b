// What a sandbox is made of: builds that are watched, and what the project asks for.
import { DaytonaError, Image } from "@daytonaio/sdk";
import { describe, expect, it, vi } from "vitest";
import { FakeDaytona, openFrom, refusalOf, useFakeWorld, usual } from "../../../test/fakes/daytona.ts";
import type { SandboxError } from "../../agent/sandbox.ts";

useFakeWorld();

describe("a build", () => {
  it("that fails says the last lines of its log, and is made again on the next way", async () => {
    const daytona = new FakeDaytona();
    daytona.madeState = "building_snapshot";
    const log = Array.from({ length: 100 }, (_, line) => `\u001b[31mstep ${line}\u001b[0m`).join("\r\n");
    vi.stubGlobal("fetch", async (url: string) => {
      if (url.includes("build-logs-url")) return Response.json({ url: "http://127.0.0.1:1/logs" });
      if (daytona.record) daytona.record.state = "build_failed";
      return new Response(log);
    });
    const { opened, told } = await openFrom(daytona, { recipe: { dockerfile: "FROM x\nRUN false" } });
    const message = String((opened as SandboxError).message);
    expect(message).toMatch(/could not be built.*step 80\nstep 81\n.*step 99$/s);
    expect(message).not.toContain("step 79");
    expect(message).not.toContain("\u001b");
    expect(told.at(-1)).toContain("step 99");
    expect(daytona.orders).toEqual(["create"]);

    vi.stubGlobal("fetch", async () => new Response("", { status: 404 }));
    daytona.madeState = "started";
    expect((await openFrom(daytona, { recipe: { dockerfile: "FROM x" } })).id).toBe("made-2");
    expect(daytona.orders).toEqual(["create", "delete", "create"]);
  });

  it("tells at most one piece of its log a second, and only the last lines", async () => {
    const daytona = new FakeDaytona();
    daytona.madeState = "building_snapshot";
    let line = 0;
    let timer: ReturnType<typeof setInterval>;
    vi.stubGlobal("fetch", async (url: string) => {
      if (url.includes("build-logs-url")) return Response.json({ url: "http://127.0.0.1:1/logs?a=b" });
      expect(url).toBe("http://127.0.0.1:1/logs?a=b&follow=true");
      const stream = new ReadableStream<Uint8Array>({
        start(controller) {
          timer = setInterval(() => controller.enqueue(new TextEncoder().encode(`line ${line++}\n`)), 10);
        },
        cancel: () => clearInterval(timer),
      });
      setTimeout(() => Object.assign(daytona.record ?? {}, { state: "started" }), 20_000);
      return new Response(stream);
    });
    const { id, told } = await openFrom(daytona, { recipe: { image: "x" } });
    expect(id).toBe("made-1");
    const pieces = told.filter((text) => text.includes("line "));
    expect(pieces.length).toBeGreaterThan(5);
    expect(pieces.length).toBeLessThanOrEqual(21);
    for (const piece of pieces) expect(piece.split("\n").length).toBeLessThanOrEqual(5);
  });
});

describe("what a project asks for", () => {
  const recipe = {
    cpu: 2,
    memory: 4,
    disk: 10,
    env: { A: "b" },
    auto_stop_minutes: 5,
    auto_archive_minutes: 0,
    network: { allow: ["10.0.0.0/8", "1.1.1.1", "*.example.com"] },
  };

  it("is in the creation from an image, resources included", async () => {
    const daytona = new FakeDaytona();
    await openFrom(daytona, { recipe: { ...recipe, dockerfile: "ARG V=1\nFROM node:$V\nRUN x" }, labels: { a: "b" } });
    const [made] = daytona.created;
    expect(made).toMatchObject({
      name: "project",
      labels: { a: "b" },
      envVars: { A: "b" },
      resources: { cpu: 2, memory: 4, disk: 10 },
      autoStopInterval: 5,
      autoArchiveInterval: 0,
      networkAllowList: "10.0.0.0/8,1.1.1.1/32",
      domainAllowList: "*.example.com",
    });
    expect(made?.image).toBeInstanceOf(Image);
    expect(made?.image).toMatchObject({ dockerfile: "ARG V=1\nFROM node:$V\nRUN x", contextList: [] });
  });

  it("is given after the creation where a snapshot refuses resources: what needs it while it is stopped", async () => {
    const daytona = new FakeDaytona();
    await openFrom(daytona, { recipe: { snapshot: "tools", cpu: 2, memory: 4 } });
    expect(daytona.created[0]).not.toHaveProperty("resources");
    expect(daytona.orders).toEqual(["create", 'resize {"cpu":2,"memory":4}']);

    const larger = new FakeDaytona();
    const { id } = await openFrom(larger, { recipe: { disk: 10 } });
    expect(id).toBe("made-1");
    expect(larger.orders).toEqual(["create", "stop", 'resize {"disk":10}', "start"]);
  });

  it("says what to do where Daytona refuses to resize", async () => {
    const daytona = new FakeDaytona();
    daytona.on.resize = () => {
      throw refusalOf(422, "Resize is not supported for this class");
    };
    const { opened } = await openFrom(daytona, { recipe: { cpu: 2 } });
    expect(opened).toMatchObject({
      code: "unavailable",
      message: expect.stringMatching(/\(cpu=2\): Resize is not supported for this class\..*name a snapshot, image/),
    });
  });

  it("is not used with an open network where Daytona did not say that it is closed", async () => {
    for (const refusal of [new DaytonaError("it is in a state"), refusalOf(409, "State change in progress")]) {
      const daytona = new FakeDaytona();
      daytona.record = { id: "id-1", ...usual, state: "started" };
      daytona.on.network = () => {
        throw refusal;
      };
      const { opened } = await openFrom(daytona, { recipe: { network: { block_all: true } } });
      expect(opened).toMatchObject({ code: "unavailable", message: expect.stringContaining("network rules") });
    }
  });

  it("changes a running one only in what can be changed while it runs, and once", async () => {
    const daytona = new FakeDaytona();
    daytona.record = { id: "id-1", ...usual, cpu: 4, state: "started" };
    const { id } = await openFrom(daytona, { recipe });
    expect(id).toBe("id-1");
    expect(daytona.orders).toEqual([
      'network {"networkBlockAll":false,"networkAllowList":"10.0.0.0/8,1.1.1.1/32","domainAllowList":"*.example.com"}',
      "autostop",
      "autoarchive",
    ]);
    daytona.orders.length = 0;
    await openFrom(daytona, { recipe });
    expect(daytona.orders).toEqual([]);
  });

  it("waits for the next stop with a larger disk only", async () => {
    const daytona = new FakeDaytona();
    daytona.record = { id: "id-1", ...usual, state: "started" };
    await openFrom(daytona, { recipe: { cpu: 2, disk: 10 } });
    expect(daytona.orders).toEqual(['resize {"cpu":2}']);
    daytona.record.state = "stopped";
    await openFrom(daytona, { recipe: { cpu: 2, disk: 10 } });
    expect(daytona.orders.slice(1)).toEqual(['resize {"disk":10}', "start"]);
  });

  it("holds for the network too where a stopped one is resized first", async () => {
    const daytona = new FakeDaytona();
    daytona.record = { id: "id-1", ...usual, state: "stopped" };
    await openFrom(daytona, { recipe: { disk: 10, network: { block_all: true } } });
    expect(daytona.orders).toEqual(['resize {"disk":10}', "start", 'network {"networkBlockAll":true}']);
  });

  it("leaves what it does not name", async () => {
    const daytona = new FakeDaytona();
    daytona.record = { id: "id-1", ...usual, autoStopInterval: 1, networkBlockAll: true, state: "started" };
    await openFrom(daytona);
    expect(daytona.orders).toEqual([]);
  });
});
