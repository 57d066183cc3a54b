// Builds of a sandbox's image, and the project's settings for its sandbox.
import { DaytonaError, Image } from "@daytonaio/sdk";
import { describe, expect, it, vi } from "vitest";
import { FakeDaytona, openFrom, refusalOf, useFakeWorld, usual } from "../../../test/fakes/daytona.ts";
import type { SandboxError } from "../../agent/sandbox.ts";

useFakeWorld();

describe("the build of a sandbox's image", () => {
  it("reports the last lines of its log if it fails, and is repeated at the next opening", async () => {
    const daytona = new FakeDaytona();
    daytona.madeState = "building_snapshot";
    const log = Array.from({ length: 100 }, (_, line) => `\u001b[31mstep ${line}\u001b[0m`).join("\r\n");
    vi.stubGlobal("fetch", async (url: string) => {
      if (url.includes("build-logs-url")) return Response.json({ url: "http://127.0.0.1:1/logs" });
      if (daytona.record) daytona.record.state = "build_failed";
      return new Response(log);
    });
    const { opened, reported } = await openFrom(daytona, { recipe: { dockerfile: "FROM x\nRUN false" } });
    const message = String((opened as SandboxError).message);
    expect(message).toMatch(/could not be built.*step 80\nstep 81\n.*step 99$/s);
    expect(message).not.toContain("step 79");
    expect(message).not.toContain("\u001b");
    expect(reported.at(-1)).toContain("step 99");
    expect(daytona.orders).toEqual(["create"]);

    vi.stubGlobal("fetch", async () => new Response("", { status: 404 }));
    daytona.madeState = "started";
    expect((await openFrom(daytona, { recipe: { dockerfile: "FROM x" } })).id).toBe("made-2");
    expect(daytona.orders).toEqual(["create", "delete", "create"]);
  });

  it("reports its log at most once a second, and only the last lines", async () => {
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
    const { id, reported } = await openFrom(daytona, { recipe: { image: "x" } });
    expect(id).toBe("made-1");
    const pieces = reported.filter((text) => text.includes("line "));
    expect(pieces.length).toBeGreaterThan(5);
    expect(pieces.length).toBeLessThanOrEqual(21);
    for (const piece of pieces) expect(piece.split("\n").length).toBeLessThanOrEqual(5);
  });
});

describe("a project's settings for its sandbox", () => {
  const recipe = {
    cpu: 2,
    memory: 4,
    disk: 10,
    env: { A: "b" },
    auto_stop_minutes: 5,
    auto_archive_minutes: 0,
    network: { allow: ["10.0.0.0/8", "1.1.1.1", "*.example.com"] },
  };

  it("are all part of a creation from an image, including resources", async () => {
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

  it("apply resources after a creation from a snapshot, and stop the sandbox for those that need it", async () => {
    const daytona = new FakeDaytona();
    await openFrom(daytona, { recipe: { snapshot: "tools", cpu: 2, memory: 4 } });
    expect(daytona.created[0]).not.toHaveProperty("resources");
    expect(daytona.orders).toEqual(["create", 'resize {"cpu":2,"memory":4}', "labels {}"]);

    const larger = new FakeDaytona();
    const { id } = await openFrom(larger, { recipe: { disk: 10 } });
    expect(id).toBe("made-1");
    expect(larger.orders).toEqual(["create", "stop", 'resize {"disk":10}', "start", "labels {}"]);
  });

  it("are not needed where neither a resize nor a build works", async () => {
    const rows: [(daytona: FakeDaytona) => void, orders: string[]][] = [
      [(daytona) => daytona.refusals.push(refusalOf(400, "No registry")), ["create", "delete", "create", "create"]],
      [
        (daytona) => {
          daytona.madeState = "build_failed";
        },
        ["create", "delete", "create", "delete", "create"],
      ],
    ];
    for (const [fail, orders] of rows) {
      const daytona = new FakeDaytona();
      daytona.on.resize = () => {
        throw refusalOf(404, "Cannot POST /api/sandbox/made-1/resize");
      };
      daytona.on.delete = () => {
        daytona.record = null;
        daytona.madeState = "started";
        if (daytona.orders.length === 3) fail(daytona);
      };
      const { id, reported } = await openFrom(daytona, { recipe: { snapshot: "tools", cpu: 2 } });
      expect(id).not.toBeNull();
      const isOrder = (order: string) => !/^(?:resize|labels)/.test(order);
      expect(daytona.orders.filter(isOrder)).toEqual(orders);
      expect(daytona.created[1]).toMatchObject({ image: "tools:1", resources: { cpu: 2 } });
      expect(daytona.created.at(-1)).toMatchObject({ snapshot: "tools" });
      expect(reported.at(-1)).toContain("with cpu=1 and not cpu=2");
    }
  });

  it("fail with advice if Daytona refuses to resize", async () => {
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

  it("make the sandbox unavailable if Daytona does not confirm that its network is closed", async () => {
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

  it("change a running sandbox once, and only what can change while it runs", async () => {
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

  it("add cores to a running sandbox at once, and enlarge its disk at the next start", async () => {
    const daytona = new FakeDaytona();
    daytona.record = { id: "id-1", ...usual, state: "started" };
    await openFrom(daytona, { recipe: { cpu: 2, disk: 10 } });
    expect(daytona.orders).toEqual(['resize {"cpu":2}']);
    daytona.record.state = "stopped";
    await openFrom(daytona, { recipe: { cpu: 2, disk: 10 } });
    expect(daytona.orders.slice(1)).toEqual(['resize {"disk":10}', "start"]);
  });

  it("also apply to the network if a stopped sandbox is resized first", async () => {
    const daytona = new FakeDaytona();
    daytona.record = { id: "id-1", ...usual, state: "stopped" };
    await openFrom(daytona, { recipe: { disk: 10, network: { block_all: true } } });
    expect(daytona.orders).toEqual(['resize {"disk":10}', "start", 'network {"networkBlockAll":true}']);
  });

  it("leave unchanged what they do not name", async () => {
    const daytona = new FakeDaytona();
    daytona.record = { id: "id-1", ...usual, autoStopInterval: 1, networkBlockAll: true, state: "started" };
    await openFrom(daytona);
    expect(daytona.orders).toEqual([]);
  });
});
