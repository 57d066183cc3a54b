/**
 * A command's log as JSON: the raw log, and both streams separately.
 *
 * Written while it is read, in three passes over the file. A log of tens of megabytes takes no more memory than one
 * chunk, and a client that has read enough of `output` can leave before the rest is made.
 */
import type { ServerResponse } from "node:http";
import { StringDecoder } from "node:string_decoder";
import { writeBody } from "./bodies.ts";
import { type CommandLog, Separator, type StreamName } from "./command-log.ts";

const pieceBytes = 256 * 1024;

export async function sendLog(
  response: ServerResponse,
  log: CommandLog,
  facts: Record<string, string | number | undefined> = {},
): Promise<void> {
  // Output that arrives during the response belongs to the next request.
  const { size } = log;
  response.writeHead(200, { "content-type": "application/json; charset=utf-8" });
  const known = Object.entries(facts).map(
    ([name, value]) => `${JSON.stringify(name)}:${JSON.stringify(value ?? null)},`,
  );
  await writeText(response, `{${known.join("")}"output":"`);
  await sendRaw(response, log, size);
  for (const stream of ["stdout", "stderr"] as const) {
    await writeText(response, `","${stream}":"`);
    await sendStream(response, log, size, stream);
  }
  if (!response.destroyed) response.end('"}');
}

async function sendRaw(response: ServerResponse, log: CommandLog, size: number): Promise<void> {
  const decoder = new StringDecoder("utf8");
  for await (const piece of readPieces(response, log, size)) await writeText(response, spellText(decoder.write(piece)));
  await writeText(response, spellText(decoder.end()));
}

async function sendStream(response: ServerResponse, log: CommandLog, size: number, wanted: StreamName): Promise<void> {
  const decoder = new StringDecoder("utf8");
  const separator = new Separator();
  const send = async (piece: Buffer, isLast: boolean): Promise<void> => {
    const parts = separator.push(piece, isLast).filter(({ stream }) => stream === wanted);
    await writeText(response, spellText(parts.map(({ data }) => decoder.write(data)).join("")));
  };
  for await (const piece of readPieces(response, log, size)) await send(piece, false);
  await send(Buffer.alloc(0), true);
  await writeText(response, spellText(decoder.end()));
}

async function* readPieces(response: ServerResponse, log: CommandLog, size: number): AsyncGenerator<Buffer> {
  for (let position = 0; position < size && !response.destroyed; ) {
    const piece = await log.read(position, Math.min(pieceBytes, size - position));
    if (piece.length === 0) throw new Error("the log is shorter than it was");
    position += piece.length;
    yield piece;
  }
}

/** Escapes text as the inside of a JSON string. */
function spellText(text: string): string {
  return JSON.stringify(text).slice(1, -1);
}

async function writeText(response: ServerResponse, text: string): Promise<void> {
  if (text !== "") await writeBody(response, Buffer.from(text));
}
