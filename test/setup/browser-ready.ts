// The browser from npm is packed. It is unpacked here once, before test files that run side by side would each do it.
import { hasBrowser, openBrowser } from "./browser.ts";

export async function setup(): Promise<void> {
  if (hasBrowser) await (await openBrowser()).close();
}
