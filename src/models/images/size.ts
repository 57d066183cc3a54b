// The width and height of an image that a message brings with it, read from the image's own header. Null for an address,
// and for forms in which the header does not bind the decoder (GIF, extended WebP): these count as large as can be.

export interface ImageSize {
  width: number;
  height: number;
}

/** What a camera writes before the size is at most some parts of 64 KiB each. */
const MAX_READ_CHARACTERS = 512 * 1024;
const BASE64_HEAD = /^data:image\/[a-z0-9.+-]+;base64,/i;

/** An image's part is the same object at each step, since messages never change. */
const known = new WeakMap<object, ImageSize | null>();

export function readImageSize(image: { url: string }): ImageSize | null {
  const before = known.get(image);
  if (before !== undefined) return before;
  const bytes = readBytes(image.url);
  const size = bytes === null ? null : (readPng(bytes) ?? readJpeg(bytes) ?? readWebp(bytes));
  const isReal = size !== null && size.width > 0 && size.height > 0;
  known.set(image, isReal ? size : null);
  return isReal ? size : null;
}

function readBytes(url: string): DataView | null {
  const head = BASE64_HEAD.exec(url)?.[0];
  if (head === undefined) return null;
  const text = url.slice(head.length, head.length + MAX_READ_CHARACTERS);
  try {
    const binary = atob(text.slice(0, text.length - (text.length % 4)));
    return new DataView(Uint8Array.from(binary, (character) => character.charCodeAt(0)).buffer);
  } catch {
    return null;
  }
}

function readPng(bytes: DataView): ImageSize | null {
  const isPng = bytes.byteLength >= 24 && bytes.getUint32(0) === 0x89504e47 && textAt(bytes, 12) === "IHDR";
  return isPng ? { width: bytes.getUint32(16), height: bytes.getUint32(20) } : null;
}

/** Frame headers are the markers C0 to CF but for three that begin tables. */
function readJpeg(bytes: DataView): ImageSize | null {
  if (bytes.byteLength < 4 || bytes.getUint16(0) !== 0xffd8) return null;
  let at = 2;
  while (at + 9 <= bytes.byteLength && bytes.getUint8(at) === 0xff) {
    const marker = bytes.getUint8(at + 1);
    if (marker === 0xff) at += 1;
    else if (marker >= 0xc0 && marker <= 0xcf && ![0xc4, 0xc8, 0xcc].includes(marker))
      return { width: bytes.getUint16(at + 7), height: bytes.getUint16(at + 5) };
    else at += 2 + bytes.getUint16(at + 2);
  }
  return null;
}

function readWebp(bytes: DataView): ImageSize | null {
  if (bytes.byteLength < 30 || textAt(bytes, 0) !== "RIFF" || textAt(bytes, 8) !== "WEBP") return null;
  const kind = textAt(bytes, 12);
  const low = 0x3fff;
  if (kind === "VP8 ") return { width: bytes.getUint16(26, true) & low, height: bytes.getUint16(28, true) & low };
  if (kind !== "VP8L") return null;
  const bits = bytes.getUint32(21, true);
  return { width: (bits & low) + 1, height: ((bits >>> 14) & low) + 1 };
}

function textAt(bytes: DataView, at: number): string {
  return String.fromCharCode(...Array.from({ length: 4 }, (_, place) => bytes.getUint8(at + place)));
}
