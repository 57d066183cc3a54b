// The forms in which a secret is looked for: as it is, its lines, and in base64. What programs do to such a form when
// they print it (escapes, quotes, broken lines) is undone in the text instead: `output-reading.ts`.

/** Base64 takes eight times the memory. Longer values are masked by line. */
const MAX_ENCODED_CHARACTERS = 8 * 1024;

export function formsOf(value: string): string[] {
  const plain = [value, ...value.split(/[\r\n]+/)].map((text) => text.trim());
  return value.length > MAX_ENCODED_CHARACTERS ? plain : [...plain, ...encode(value)];
}

function encode(value: string): string[] {
  const bytes = new TextEncoder().encode(value);
  const texts = [0, 1, 2].map((offset) => toBase64(bytes, offset));
  return [...texts, ...texts.map((text) => text.replaceAll("+", "-").replaceAll("/", "_"))];
}

/** The characters that only the value decides, when so many bytes stand before it in its group of three. */
function toBase64(bytes: Uint8Array, offset: number): string {
  const shifted = new Uint8Array(offset + bytes.length);
  shifted.set(bytes, offset);
  const text = btoa(Array.from(shifted, (byte) => String.fromCharCode(byte)).join(""));
  return text.slice(offset === 0 ? 0 : offset + 1, Math.floor((shifted.length * 8) / 6));
}
