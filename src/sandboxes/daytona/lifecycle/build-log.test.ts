// The log of a build: however much it prints, little is kept and reported.
import type { Sandbox } from "@daytonaio/sdk";
import { describe, expect, it, vi } from "vitest";
import { useFakeWorld } from "../../../../test/fakes/daytona.ts";
import { DaytonaBuildLog } from "./build-log.ts";

useFakeWorld();
const sandbox = { id: "id-1" } as Sandbox;
const encoder = new TextEncoder();

/** A build that prints a piece every few milliseconds. */
function serve(piece: (count: number) => Uint8Array, ms = 10): string[] {
  const asked: string[] = [];
  vi.stubGlobal("fetch", async (url: string, { headers, signal }: RequestInit) => {
    asked.push(url);
    expect(headers).toMatchObject({ Authorization: "Bearer key" });
    if (url.endsWith("/build-logs-url")) return Response.json({ url: "https://logs.example/x?token=1" });
    let count = 0;
    let timer: ReturnType<typeof setInterval>;
    return new Response(
      new ReadableStream<Uint8Array>({
        start: (controller) => {
          timer = setInterval(() => controller.enqueue(piece(count++)), ms);
          signal?.addEventListener("abort", () => clearInterval(timer));
        },
        cancel: () => clearInterval(timer),
      }),
    );
  });
  return asked;
}

/** What a caller gets that asks ten times a second. */
async function ask(log: DaytonaBuildLog, seconds: number): Promise<string[]> {
  const taken: string[] = [];
  for (let times = 0; times < seconds * 10; times++) {
    log.follow(sandbox);
    await vi.advanceTimersByTimeAsync(100);
    const lines = log.takeLines();
    if (lines !== null) taken.push(lines);
  }
  await log.stop();
  return taken;
}

const open = () => new DaytonaBuildLog({ api_url: "https://daytona.example/api/", api_key: "key" });

describe("a build's log", () => {
  it("is returned once a second at most, with its last five lines", async () => {
    const asked = serve((count) => encoder.encode(`line ${count}\n`));
    const taken = await ask(open(), 10);
    expect(taken.length).toBeGreaterThan(8);
    expect(taken.length).toBeLessThanOrEqual(10);
    expect(taken.every((text) => text.split("\n").length <= 5)).toBe(true);
    expect(asked).toEqual([
      "https://daytona.example/api/sandbox/id-1/build-logs-url",
      "https://logs.example/x?token=1&follow=true",
    ]);
  });

  it("is returned without control characters and in short lines, however it is split", async () => {
    const noise = encoder.encode(
      "\u001b[1;31mred\u001b[0m\u0007 é\u202e \u001b]0;title\u0007progress 1%\rprogress 2%\r\n",
    );
    serve((count) => noise.subarray(count % noise.length, (count % noise.length) + 1), 1);
    const [first = ""] = await ask(open(), 2);
    expect(first).toMatch(/red é progress 1%\nprogress 2%/);
    const long = encoder.encode("x".repeat(10_000));
    serve(() => long);
    expect(await ask(open(), 2)).toEqual([]);
    serve(() => encoder.encode(`${"y".repeat(10_000)}\n`));
    for (const text of await ask(open(), 2)) expect(text.length).toBeLessThanOrEqual(5 * 301);
  });

  it("is no longer followed above its size limit, and is requested again after a broken connection", async () => {
    const mebibyte = encoder.encode(`${"z".repeat(1023)}\n`.repeat(1024));
    const asked = serve(() => mebibyte, 1_000);
    await ask(open(), 15);
    expect(asked).toHaveLength(2);
    let tries = 0;
    vi.stubGlobal("fetch", async () => {
      tries++;
      throw new TypeError("fetch failed");
    });
    expect(await ask(open(), 10)).toEqual([]);
    expect(tries).toBeGreaterThan(3);
    expect(tries).toBeLessThanOrEqual(6);
  });
});
