// A short name for an image, so that a thread can remember which ones a server has refused. The address may be the whole
// image, so the hash is a plain one and each image is hashed once.

const known = new Map<string, string>();
/** Addresses of a few threads. They may be a megabyte each, so the oldest goes early. */
const MAX_KNOWN = 32;

/** 52 bits (FNV-1a in two halves): a thread has dozens of images, and nobody gains by a collision. */
export function hashImage(address: string): string {
  const before = known.get(address);
  if (before !== undefined) return before;
  let one = 0x811c9dc5;
  let other = 0x1000193;
  for (let at = 0; at < address.length; at++) {
    const code = address.charCodeAt(at);
    one = Math.imul(one ^ code, 0x01000193);
    other = Math.imul(other ^ code, 0x5bd1e995);
  }
  const hash = (one >>> 0).toString(36) + (other >>> 0).toString(36);
  known.set(address, hash);
  const [oldest] = known.keys();
  if (known.size > MAX_KNOWN && oldest !== undefined) known.delete(oldest);
  return hash;
}
