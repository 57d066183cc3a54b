// A model's text as pieces to show: the little of Markdown that models use most, and addresses. Pure; no HTML is read.
export type Piece =
  | { kind: "text" | "bold" | "code"; text: string }
  | { kind: "link"; text: string; url: string }
  | { kind: "block"; text: string };

const fence = /^```[^\n]*\n([\s\S]*?)(?:^```[ \t]*$\n?|$(?![\s\S]))/gm;
const inline =
  /\*\*\[([^\]\n]{1,300})\]\((https?:\/\/[^\s()]+)\)\*\*|\[([^\]\n]{1,300})\]\((https?:\/\/[^\s()]+)\)|\*\*([^*\n]{1,500})\*\*|`([^`\n]{1,500})`|(https?:\/\/[^\s<>"'`，。；：！？、（）]*[^\s<>"'`，。；：！？、（）.,;:!?)\]*])/g;

export function readProse(text: string): Piece[] {
  return split(text, fence, readInline, (match) => ({ kind: "block", text: match[1] ?? "" }));
}

function readInline(text: string): Piece[] {
  const plain = (rest: string): Piece[] => [{ kind: "text", text: rest }];
  return split(text, inline, plain, ([whole, boldName, boldUrl, name, url, bold, code]) => {
    if (boldName !== undefined && boldUrl !== undefined) return { kind: "link", text: boldName, url: boldUrl };
    if (name !== undefined && url !== undefined) return { kind: "link", text: name, url };
    if (bold !== undefined) return { kind: "bold", text: bold };
    if (code !== undefined) return { kind: "code", text: code };
    return { kind: "link", text: whole, url: whole };
  });
}

function split(
  text: string,
  pattern: RegExp,
  between: (rest: string) => Piece[],
  read: (match: RegExpMatchArray) => Piece,
): Piece[] {
  const pieces: Piece[] = [];
  let place = 0;
  for (const match of text.matchAll(pattern)) {
    if (match.index > place) pieces.push(...between(text.slice(place, match.index)));
    pieces.push(read(match));
    place = match.index + match[0].length;
  }
  return place < text.length ? [...pieces, ...between(text.slice(place))] : pieces;
}
