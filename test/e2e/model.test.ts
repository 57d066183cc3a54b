// The scripted model as a process, and the shop that it builds, in a browser.
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { cp, mkdir, mkdtemp, rm } from "node:fs/promises";
import type { Server } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import chromium from "@sparticuz/chromium";
import OpenAI from "openai";
import { type Browser, type Page, chromium as playwright } from "playwright-core";
import { afterAll, beforeAll, describe, expect, it } from "vitest";

const root = join(import.meta.dirname, "../..");

function startMain(...flags: string[]): ChildProcess {
  return spawn(process.execPath, [join(root, "dev/model/main.ts"), ...flags], { stdio: ["ignore", "pipe", "pipe"] });
}

async function readUntil(child: ChildProcess, pattern: RegExp): Promise<RegExpExecArray> {
  let text = "";
  for await (const bytes of child.stdout ?? []) {
    text += String(bytes);
    const found = pattern.exec(text);
    if (found) return found;
  }
  throw new Error(`the process ended after ${JSON.stringify(text)}`);
}

describe("npm run model", () => {
  it("prints its address, serves an unmodified client, refuses a second one on its port, and ends on SIGTERM", async () => {
    const model = startMain("--port", "0", "--tokens-per-second", "0");
    const ended = once(model, "exit");
    const [, baseURL = "", port = ""] = await readUntil(model, /(http:\/\/127\.0\.0\.1:(\d+)\/v1)/);
    const client = new OpenAI({ apiKey: "any", baseURL });
    const { choices } = await client.chat.completions.create({
      model: "m",
      messages: [{ role: "user", content: "hi" }],
    });
    expect(choices[0]?.message.content).toContain("scripted demo model");

    const second = startMain("--port", port);
    let complaint = "";
    second.stderr?.on("data", (bytes: Buffer) => {
      complaint += bytes.toString();
    });
    expect(await once(second, "close")).toEqual([1, null]);
    expect(complaint).toBe("the port is already in use; choose another with --port\n");

    model.kill("SIGTERM");
    expect(await ended).toEqual([0, null]);
  });
});

// The packaged browser exists for this platform only.
describe.skipIf(process.platform !== "linux" || process.arch !== "x64")("the shop in a browser", () => {
  let folder: string;
  let server: Server;
  let browser: Browser;
  // One page for all tests: the packaged browser runs in a single process, which a second page does not survive.
  let page: Page;
  let address: string;

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), "shop-browser-"));
    const shop = join(root, "dev/model/shop");
    for (const part of ["package.json", "server.js", "lib", "public"]) {
      await cp(join(shop, part), join(folder, part), { recursive: true });
    }
    await mkdir(join(folder, "data"));
    await cp(join(shop, "en/products.json"), join(folder, "data/products.json"));
    await cp(join(shop, "en/index.html"), join(folder, "public/index.html"));
    const { startShop } = (await import(join(folder, "server.js"))) as {
      startShop: (options: { port: number }) => Promise<Server>;
    };
    server = await startShop({ port: 0 });
    const bound = server.address();
    address = `http://127.0.0.1:${typeof bound === "object" ? bound?.port : ""}/`;
    browser = await playwright.launch({ executablePath: await chromium.executablePath(), args: chromium.args });
    page = await browser.newPage();
    page.setDefaultTimeout(60_000);
  });
  afterAll(async () => {
    await browser?.close();
    server?.closeAllConnections();
    server?.close();
    await rm(folder, { recursive: true, force: true });
  });

  it.each([
    ["desktop", 1280],
    ["phone", 390],
  ])("sells: the cart counts, changes, and is empty after an order, on a %s", async (_name, width) => {
    await page.setViewportSize({ width, height: 844 });
    const errors: Error[] = [];
    page.on("pageerror", (error) => errors.push(error));
    await page.goto(address);
    await page.getByRole("button", { name: "Add: Stoneware mug" }).click();
    await page.getByRole("button", { name: "Add: Linen table lamp" }).click();
    await page.getByRole("button", { name: /^Cart/ }).filter({ hasText: "2" }).click();
    const cart = page.getByRole("dialog");
    await cart.getByRole("button", { name: "More: Stoneware mug" }).click();
    await cart.getByText("$137.00").first().waitFor();
    await cart.getByRole("button", { name: "Remove" }).last().click();
    await cart.getByText("$54.00").waitFor();
    await page.reload();
    await page.getByRole("button", { name: /^Cart/ }).filter({ hasText: "2" }).click();
    await cart.getByLabel("Name").fill("Ada");
    await cart.getByLabel("Address").fill("1 Test Street");
    await cart.getByRole("button", { name: "Place order" }).click();
    await cart.getByRole("heading", { name: "Thank you!" }).waitFor();
    const overflow = await page.evaluate("document.documentElement.scrollWidth - innerWidth");
    expect(overflow).toBeLessThanOrEqual(0);
    expect(errors).toEqual([]);
  });
});
