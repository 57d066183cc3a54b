// The browser from npm (Linux on x64), or the one installed on the machine.
import { existsSync } from "node:fs";
import chromium from "@sparticuz/chromium";
import { type Browser, chromium as launcher } from "playwright-core";

const installed = ["/usr/bin/chromium", "/usr/bin/chromium-browser", "/usr/bin/google-chrome"].find(existsSync);

export const hasBrowser = installed !== undefined || (process.platform === "linux" && process.arch === "x64");

const unwanted = [
  // In a single process the whole browser ends when the first context is closed; and real browsers do isolate origins.
  "--single-process",
  "--no-zygote",
  "--disable-web-security",
  "--disable-site-isolation-trials",
  // An emulated graphics card takes several times as long as plain drawing.
  "--ignore-gpu-blocklist",
  "--in-process-gpu",
  "--use-gl=angle",
  "--use-angle=swiftshader",
  "--enable-unsafe-swiftshader",
];

export async function openBrowser(): Promise<Browser> {
  if (installed !== undefined) return launcher.launch({ executablePath: installed, args: ["--no-sandbox"] });
  const args = chromium.args.filter((argument) => !unwanted.includes(argument));
  return launcher.launch({ executablePath: await chromium.executablePath(), args: [...args, "--disable-gpu"] });
}
