/** A terminal's screen, for tests that type into it. */
import type { PtyHandle } from "@daytonaio/sdk";

export class Screen {
  text = "";
  readonly #decoder = new TextDecoder();
  #wake: () => void = () => {};

  readonly show = (data: Uint8Array): void => {
    this.text += this.#decoder.decode(data, { stream: true });
    this.#wake();
  };

  async shows(part: string | RegExp): Promise<string> {
    while (!this.text.match(part))
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
      });
    return this.text;
  }
}

/**
 * The output of a command, once the shell prompts again; the marks are not in the echo of the typed line. Before its
 * prompt readline reads the terminal's size and writes it back: a new size that comes between the two is lost.
 */
export async function ask({ handle, screen }: { handle: PtyHandle; screen: Screen }, command: string): Promise<string> {
  screen.text = "";
  await handle.sendInput(`echo "<"$(${command})">"\n`);
  await screen.shows(/^<(.*?)>.*[$#] $/ms);
  return /^<(.*?)>/ms.exec(screen.text)?.[1] ?? "";
}
