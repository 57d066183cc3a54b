// The width and height of an image that a message brings with it, read from the image's own header. Null for an address,
// and for forms in which the header does not bind the decoder (GIF, extended WebP): these count as large as can be. So
// does an image that is not plainly what it says, since a decoder that reads it otherwise may find a larger one.

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

/** Its header comes first, and once: Pillow takes the last one before the data. */
function readPng(bytes: DataView): ImageSize | null {
  if (bytes.byteLength < 33 || bytes.getUint32(0) !== 0x89504e47 || bytes.getUint32(4) !== 0x0d0a1a0a) return null;
  if (bytes.getUint32(8) !== 13 || textAt(bytes, 12) !== "IHDR") return null;
  let at = 33;
  while (at + 8 <= bytes.byteLength) {
    const kind = textAt(bytes, at + 4);
    if (kind === "IDAT") return { width: bytes.getUint32(16), height: bytes.getUint32(20) };
    if (kind === "IHDR") return null;
    at += 12 + bytes.getUint32(at);
  }
  return null;
}

/** Tables, comments, and parts of programs, which all have a length. What follows another marker, decoders disagree on. */
const jpegParts = new Set([0xc4, 0xcc, 0xdb, 0xdd, 0xfe, ...Array.from({ length: 16 }, (_, place) => 0xe0 + place)]);
const SCAN = 0xda;

/** Frame headers are the markers C0 to CF but for three. One stands before the first scan. */
function readJpeg(bytes: DataView): ImageSize | null {
  if (bytes.byteLength < 4 || bytes.getUint16(0) !== 0xffd8) return null;
  let size: ImageSize | null = null;
  let at = 2;
  while (at + 9 <= bytes.byteLength && bytes.getUint8(at) === 0xff) {
    const marker = bytes.getUint8(at + 1);
    if (marker === SCAN) return size;
    if (marker === 0xff) {
      at += 1;
      continue;
    }
    const isFrame = marker >= 0xc0 && marker <= 0xcf && ![0xc4, 0xc8, 0xcc].includes(marker);
    if (isFrame && size === null) size = { width: bytes.getUint16(at + 7), height: bytes.getUint16(at + 5) };
    else if (!jpegParts.has(marker)) return null;
    const length = bytes.getUint16(at + 2);
    if (length < 2) return null;
    at += 2 + length;
  }
  return null;
}

function readWebp(bytes: DataView): ImageSize | null {
  if (bytes.byteLength < 30 || textAt(bytes, 0) !== "RIFF" || textAt(bytes, 8) !== "WEBP") return null;
  const kind = textAt(bytes, 12);
  const low = 0x3fff;
  const isFrame = bytes.getUint8(23) === 0x9d && bytes.getUint16(24) === 0x012a;
  if (kind === "VP8 " && isFrame)
    return { width: bytes.getUint16(26, true) & low, height: bytes.getUint16(28, true) & low };
  if (kind !== "VP8L" || bytes.getUint8(20) !== 0x2f) return null;
  const bits = bytes.getUint32(21, true);
  return { width: (bits & low) + 1, height: ((bits >>> 14) & low) + 1 };
}

function textAt(bytes: DataView, at: number): string {
  return String.fromCharCode(...Array.from({ length: 4 }, (_, place) => bytes.getUint8(at + place)));
}
