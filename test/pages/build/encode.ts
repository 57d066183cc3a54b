// Text in an encoding that the platform only reads: what its decoder makes of every one or two bytes, turned around.

const tables = new Map<string, Map<string, number[]>>();

export function encode(text: string, charset: string): Uint8Array {
  const table = tables.get(charset) ?? makeTable(charset);
  tables.set(charset, table);
  const bytes = Array.from(text).flatMap((character) => {
    const found = table.get(character);
    if (found === undefined) throw new Error(`${character} is not in ${charset}`);
    return found;
  });
  return Uint8Array.from(bytes);
}

function makeTable(charset: string): Map<string, number[]> {
  const decoder = new TextDecoder(charset);
  const table = new Map<string, number[]>();
  const add = (bytes: number[]): void => {
    const text = decoder.decode(Uint8Array.from(bytes));
    if ([...text].length === 1 && text !== "\ufffd" && !table.has(text)) table.set(text, bytes);
  };
  for (let first = 0; first < 256; first++) add([first]);
  for (let first = 0x81; first < 0xff; first++) for (let second = 0x30; second < 0xff; second++) add([first, second]);
  return table;
}
