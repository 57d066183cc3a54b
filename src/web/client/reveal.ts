// Makes everything invisible in a text visible, for a person who has to judge it: characters that change the reading
// direction, have no width, or control a terminal can make one command look like another.

export interface RevealedPiece {
  text: string;
  /** Whether this stands for an invisible character, such as `U+202E`. */
  hidden: boolean;
}

// Controls, formats, surrogates and unassigned characters; those that Unicode allows to be drawn as nothing; spaces of
// every kind. A plain space, line ends, tabs and the ideographic space look like what they are.
const unseen = /(?![ \n\t\u3000])[\p{C}\p{Default_Ignorable_Code_Point}\p{Z}\u2800]/gu;

export function reveal(text: string): RevealedPiece[] {
  const pieces: RevealedPiece[] = [];
  let place = 0;
  for (const { 0: sign, index } of text.matchAll(unseen)) {
    if (index > place) pieces.push({ text: text.slice(place, index), hidden: false });
    pieces.push({ text: nameSign(sign), hidden: true });
    place = index + sign.length;
  }
  return place < text.length ? [...pieces, { text: text.slice(place), hidden: false }] : pieces;
}

/** The same for a text that is only white space. */
export function revealText(text: string): string {
  return text.replace(unseen, (sign) => `⟨${nameSign(sign)}⟩`);
}

/** A file's name as it is: a change of direction would make `exe` look like `png`. Joined emoji stay whole. */
export function revealName(name: string): string {
  return name.replace(/[\p{Cc}\p{Bidi_Control}]/gu, (sign) => `⟨${nameSign(sign)}⟩`);
}

function nameSign(sign: string): string {
  return `U+${(sign.codePointAt(0) ?? 0).toString(16).toUpperCase().padStart(4, "0")}`;
}
