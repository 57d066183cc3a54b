// Compares secrets in a time that does not depend on where they differ. Lengths are not hidden: compare hashes.

export function equalInConstantTime(one: Uint8Array, other: Uint8Array): boolean {
  if (one.byteLength !== other.byteLength) return false;
  let difference = 0;
  for (let place = 0; place < one.byteLength; place++) difference |= (one[place] ?? 0) ^ (other[place] ?? 0);
  return difference === 0;
}
