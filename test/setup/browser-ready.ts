// The browser that npm brings along is packed: unpacked here once, before files that run side by side would each do it.
import { hasBrowser, openBrowser } from "./browser.ts";

export async function setup(): Promise<void> {
  if (hasBrowser) await (await openBrowser()).close();
}
