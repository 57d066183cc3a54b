// What a reader of a stream must find: every block, which a blank line ends, has data. Some clients dispatch an event
// for each block, also for one that has only a comment, `retry` or nothing.

/** The lines of one block, or of what follows the last one. */
const block = /^(?:: ping\n|retry: \d+\n)*(?:id: \d+\n)?data: [^\n\r]+$/;
const lines = /^(?:: ping\n|retry: \d+\n)*$/;

export function checkBlock(text: string): void {
  if (!block.test(text)) throw new SyntaxError(`not a block with data: ${JSON.stringify(text.slice(0, 200))}`);
}

/** Checks what follows the last block of a stream that was closed. */
export function checkRest(text: string): void {
  if (!lines.test(text)) throw new SyntaxError(`not whole lines: ${JSON.stringify(text.slice(0, 200))}`);
}

/** Checks a stream as far as it was received. */
export function checkBlocks(text: string): void {
  for (const each of text.split("\n\n").slice(0, -1)) checkBlock(each);
}
