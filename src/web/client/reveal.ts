// Text that a person is to judge, with everything in it that is not to be seen: what turns the direction of reading, has no
// width, or steers a terminal can make one command look like another.

export interface RevealedPiece {
  text: string;
  /** Whether this stands for a sign that is not seen, as `U+202E`. */
  hidden: boolean;
}

// Controls, formats, surrogates and what is not assigned; what Unicode says may be drawn as nothing; blanks of every kind.
// A blank, line ends, tabs and the wide blank of East Asian scripts are what they look like.
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

/** The same for where there is nothing but text. */
export function revealText(text: string): string {
  return text.replace(unseen, (sign) => `⟨${nameSign(sign)}⟩`);
}

/** A file's name as it is: what turns the direction of reading would have `exe` look like `png`. Joined pictures stay whole. */
export function revealName(name: string): string {
  return name.replace(/[\p{Cc}\p{Bidi_Control}]/gu, (sign) => `⟨${nameSign(sign)}⟩`);
}

function nameSign(sign: string): string {
  return `U+${(sign.codePointAt(0) ?? 0).toString(16).toUpperCase().padStart(4, "0")}`;
}
