// Looks at files for checks: their size, hash and beginning, in one request and without a time limit that depends on
// their size. Links are followed; only regular files count.
import { OWN_PATH } from "./command-script.ts";

// $1 is how many bytes are shown, the rest are absolute paths.
export const FILES_SCRIPT = `PATH=${OWN_PATH}:$PATH; LC_ALL=C; export PATH LC_ALL
shown=$1; shift
for each in sha256sum wc head base64; do command -v $each >/dev/null 2>&1 || { printf '\\ntaskloom:lacks %s\\n' $each; exit 0; }; done
printf '\\ntaskloom:files\\n'
for file; do
  if [ ! -f "$file" ]; then echo none; continue; fi
  hash=$(sha256sum <"$file" 2>/dev/null | cut -c 1-64)
  if [ -z "$hash" ] || [ ! -r "$file" ]; then echo none; continue; fi
  text=
  [ "$shown" = 0 ] || text=$(head -c "$shown" <"$file" | base64 | tr -d '\\n')
  echo "file $(wc -c <"$file" | tr -d ' ') $hash $text"
done
echo end`;

export interface FileAnswer {
  size: number;
  hash: string;
  /** Base64. */
  text: string;
}

/** Null if the script did not come to its end; a program's name if that is missing. */
export function readFilesAnswer(output: string): (FileAnswer | null)[] | string | null {
  const [, program] = /\ntaskloom:lacks (\S+)\n$/.exec(output) ?? [];
  if (program !== undefined) return program;
  const start = output.lastIndexOf("\ntaskloom:files\n");
  if (start < 0) return null;
  const lines = output.slice(start + "\ntaskloom:files\n".length).split("\n");
  if (lines.at(-2) !== "end") return null;
  return lines.slice(0, -2).map((line) => {
    const [, size, hash, text] = /^file (\d+) ([0-9a-f]{64}) ([A-Za-z0-9+/=]*)$/.exec(line) ?? [];
    return hash === undefined ? null : { size: Number(size), hash, text: text ?? "" };
  });
}
