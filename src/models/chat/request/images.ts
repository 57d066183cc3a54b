// A short name for an image, so that a thread can remember which ones a server has refused. The address may be the whole
// image, so the hash is a plain one and each image is hashed once.

/** Messages never change, so an image's part is the same object at each step. */
const known = new WeakMap<object, string>();

/** 52 bits (FNV-1a in two halves): a thread has dozens of images, and nobody gains by a collision. */
export function hashImage(image: { url: string }): string {
  const before = known.get(image);
  if (before !== undefined) return before;
  const { url } = image;
  let one = 0x811c9dc5;
  let other = 0x1000193;
  for (let at = 0; at < url.length; at++) {
    const code = url.charCodeAt(at);
    one = Math.imul(one ^ code, 0x01000193);
    other = Math.imul(other ^ code, 0x5bd1e995);
  }
  const hash = (one >>> 0).toString(36) + (other >>> 0).toString(36);
  known.set(image, hash);
  return hash;
}
