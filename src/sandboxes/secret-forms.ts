// The forms in which programs print a secret without meaning to: as it is, its lines, and what escapes or encodes it
// in logs of requests, such as `Authorization: Basic …` of `curl -v`. Whoever wants to hide it from a mask can: reversed,
// in hex, in pieces, compressed, with colours in between.

/** Encoded forms take six times the memory. Longer values are keys and certificates, which are masked by line. */
const MAX_ENCODED_CHARACTERS = 4 * 1024;

export function formsOf(value: string): string[] {
  const plain = [value, ...value.split(/[\r\n]+/)].map((text) => text.trim());
  return value.length > MAX_ENCODED_CHARACTERS ? plain : [...plain, ...encode(value)];
}

function encode(given: string): string[] {
  const value = given.toWellFormed();
  const escaped = JSON.stringify(value).slice(1, -1);
  const bytes = new TextEncoder().encode(value);
  const texts = [0, 1, 2].map((offset) => toBase64(bytes, offset));
  const forUrls = texts.map((text) => text.replaceAll("+", "-").replaceAll("/", "_"));
  return [escaped, encodeURIComponent(value), ...texts, ...forUrls];
}

/** The characters that only the value decides, when so many bytes stand before it in its group of three. */
function toBase64(bytes: Uint8Array, offset: number): string {
  const shifted = new Uint8Array(offset + bytes.length);
  shifted.set(bytes, offset);
  const text = btoa(Array.from(shifted, (byte) => String.fromCharCode(byte)).join(""));
  return text.slice(offset === 0 ? 0 : offset + 1, Math.floor((shifted.length * 8) / 6));
}
