// Matches globs against paths: `**` stands for any number of folders, `*` and `?` stay within one name.

/** Works row by row over the pattern, so that no pattern takes longer than its length times the path's length. */
export function fitsParts(pattern: readonly string[], path: readonly string[]): boolean {
  // reached[n]: the pattern so far matches the first n names.
  let reached = [true, ...path.map(() => false)];
  for (const part of pattern) {
    const next = reached.map(() => false);
    for (let count = 0; count <= path.length; count++) {
      const name = path[count - 1];
      if (part === "**") next[count] = reached[count] === true || next[count - 1] === true;
      else next[count] = name !== undefined && reached[count - 1] === true && fitsName(part, name);
    }
    reached = next;
  }
  return reached[path.length] === true;
}

/**
 * Matches `*` and `?` within one name. After a mismatch only the last star takes one more character, so no star is
 * tried twice.
 */
export function fitsName(pattern: string, name: string): boolean {
  let place = 0;
  let star = -1;
  let taken = 0;
  for (let index = 0; index < name.length; ) {
    if (place < pattern.length && pattern[place] === "*") {
      star = place++;
      taken = index;
    } else if (place < pattern.length && (pattern[place] === "?" || pattern[place] === name[index])) {
      place++;
      index++;
    } else if (star !== -1) {
      place = star + 1;
      index = ++taken;
    } else {
      return false;
    }
  }
  return /^\**$/.test(pattern.slice(place));
}
