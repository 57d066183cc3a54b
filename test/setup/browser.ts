// A browser that npm brings along (Linux on x64), or the one that the machine has.
import { existsSync } from "node:fs";
import chromium from "@sparticuz/chromium";
import { type Browser, chromium as launcher } from "playwright-core";

const installed = ["/usr/bin/chromium", "/usr/bin/chromium-browser", "/usr/bin/google-chrome"].find(existsSync);

export const hasBrowser = installed !== undefined || (process.platform === "linux" && process.arch === "x64");

const unwanted = [
  // In one process the whole browser goes when the first context is closed; and people's browsers do keep origins apart.
  "--single-process",
  "--no-zygote",
  "--disable-web-security",
  "--disable-site-isolation-trials",
  // A graphics card that is emulated takes several times what plain drawing takes.
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
