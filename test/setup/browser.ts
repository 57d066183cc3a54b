// A browser that npm brings along (Linux on x64), or the one that the machine has.
import { existsSync } from "node:fs";
import chromium from "@sparticuz/chromium";
import { type Browser, chromium as launcher } from "playwright-core";

const installed = ["/usr/bin/chromium", "/usr/bin/chromium-browser", "/usr/bin/google-chrome"].find(existsSync);

export const hasBrowser = installed !== undefined || (process.platform === "linux" && process.arch === "x64");

export async function openBrowser(): Promise<Browser> {
  if (installed !== undefined) return launcher.launch({ executablePath: installed, args: ["--no-sandbox"] });
  // In one process the whole browser goes when the first context is closed; and people's browsers do keep origins apart.
  const unwanted = ["--single-process", "--no-zygote", "--disable-web-security", "--disable-site-isolation-trials"];
  const args = chromium.args.filter((argument) => !unwanted.includes(argument));
  return launcher.launch({ executablePath: await chromium.executablePath(), args });
}
