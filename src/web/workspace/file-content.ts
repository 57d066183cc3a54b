// The content of a file as far as the page can show it: text up to a limit, or an image.
import { type Api, readProblem } from "../client/api.ts";
import type { FileEntry } from "./file-tree.ts";

export type FileContent =
  | { kind: "text"; text: string; isWhole: boolean }
  | { kind: "picture"; blob: Blob }
  | { kind: "binary" }
  | { kind: "large picture" };

/** Nobody reads a longer text on a screen. */
export const shownBytes = 256 * 1024;
const pictureBytes = 10 * 1024 * 1024;
const patienceMs = 60_000;

/** Without SVG: it is text, and can contain scripts. */
const pictures: Record<string, string> = {
  gif: "image/gif",
  jpeg: "image/jpeg",
  jpg: "image/jpeg",
  png: "image/png",
  webp: "image/webp",
};

export function pictureType(name: string): string | null {
  return pictures[name.slice(name.lastIndexOf(".") + 1).toLowerCase()] ?? null;
}

export async function readContent(
  api: Api,
  files: string,
  { path, name, size }: FileEntry,
  signal: AbortSignal,
): Promise<FileContent> {
  const type = pictureType(name);
  if (type !== null && size > pictureBytes) return { kind: "large picture" };
  if (size === 0) return { kind: "text", text: "", isWhole: true };
  const isWhole = type !== null || size <= shownBytes;
  const response = await fetch(api.addressOf(`${files}/content?path=${encodeURIComponent(path)}`), {
    headers: { ...api.credentials, ...(isWhole ? {} : { range: `bytes=0-${shownBytes - 1}` }) },
    signal: AbortSignal.any([signal, AbortSignal.timeout(patienceMs)]),
  });
  if (!response.ok) throw await readProblem(response);
  if (type !== null) return { kind: "picture", blob: new Blob([await response.arrayBuffer()], { type }) };
  // A sandbox without range requests sends the whole file.
  const bytes = await readBytes(response, shownBytes);
  const text = readText(bytes, isWhole && bytes.length <= shownBytes);
  return text === null ? { kind: "binary" } : { kind: "text", text, isWhole: isWhole && bytes.length === size };
}

async function readBytes(response: Response, max: number): Promise<Uint8Array> {
  const reader = response.body?.getReader();
  const bytes = new Uint8Array(max);
  let length = 0;
  while (reader && length < max) {
    const { done, value } = await reader.read();
    if (done) break;
    const taken = value.subarray(0, max - length);
    bytes.set(taken, length);
    length += taken.length;
  }
  await reader?.cancel().catch(() => {});
  return bytes.subarray(0, length);
}

/** Null where it is not text. A part of a file may end within a character. */
export function readText(bytes: Uint8Array, isWhole: boolean): string | null {
  if (bytes.includes(0)) return null;
  try {
    return new TextDecoder("utf-8", { fatal: true }).decode(bytes, { stream: !isWhole });
  } catch {
    return null;
  }
}
