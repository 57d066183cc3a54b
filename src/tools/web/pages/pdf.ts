// The text of a PDF, by a program of the sandbox. A library that reads PDF would double the bundle for a kind of page
// that is rare, and a parser of such files is best kept away from keys.
import { type Sandbox, SandboxError } from "../../../agent/sandbox.ts";
import { hashText, toHex } from "../../../lib/hash.ts";
import { cutEnd } from "../../../lib/truncate.ts";
import type { Reading } from "./page.ts";

export interface PdfReader {
  sandbox: Sandbox;
  /** A repeated call finds the command of the first one by it. */
  tool_call_id: string;
  signal: AbortSignal;
}

const MAX_CHARACTERS = 1_000_000;
/** 2 MB take a second or two. */
const COMMAND_MS = 60_000;

/**
 * Libraries that images for agents often have, from the best text to the plainest. `$1` is the PDF, `$2` the text. Of
 * Python's path only the folders of installed packages are used. `site` would add what an editable install names, which
 * are the project's sources, and look there for `sitecustomize`. `pip` may have put the library into the home, below a
 * name with a dot.
 */
const program = `
import os, site, sys
sys.path += site.getsitepackages([os.path.dirname(os.path.dirname(sys.executable)), sys.prefix, sys.exec_prefix])
sys.path.append(os.path.expanduser("~/.local/lib/python%d.%d/site-packages" % sys.version_info[:2]))
source, target = sys.argv[1:3]
def read():
    try:
        import fitz
        return [page.get_text() for page in fitz.open(source)]
    except ImportError: pass
    for name in ("pypdf", "PyPDF2"):
        try:
            module = __import__(name)
            return [page.extract_text() or "" for page in module.PdfReader(source).pages]
        except ImportError: pass
    try:
        from pdfminer.high_level import extract_text
        return extract_text(source).split("\\f")
    except ImportError: sys.exit(42)
with open(target, "w", encoding="utf-8", errors="replace") as file: file.write("\\f".join(read()))
`;

/** Without a sandbox the run continues: only the PDF is not read. */
export async function readPdf(url: string, bytes: Uint8Array, reader: PdfReader): Promise<Reading> {
  try {
    return await read(url, bytes, reader);
  } catch (error) {
    if (!(error instanceof SandboxError)) throw error;
    return {
      ok: false,
      message: `At this address is a PDF. It is read in the sandbox, which failed: ${error.message.replace(/\.$/, "")}.`,
    };
  }
}

// Starts in the work dir and goes to the root. A folder of PATH inside the work dir is left out unless it is below a
// name with a dot: an environment of the project has libraries that an agent writes unasked. So is a Python that a link
// brings from there.
const script = `work=$(pwd -P)/; cd / || exit 1
written() { case $1/ in "$work"*) case /\${1#"$work"} in */.*) return 1 ;; esac ;; *) return 1 ;; esac; }
own= IFS=:; set -f
for each in $PATH; do
  each=$(cd -P -- "$each" 2>/dev/null && pwd -P) || continue
  written "$each" || own=\${own:+$own:}$each
done
unset IFS; set +f; PATH=$own
if command -v pdftotext >/dev/null 2>&1; then exec timeout 50 pdftotext -enc UTF-8 "$1" "$2"; fi
python=$(command -v python3) || exit 42
! written "$(readlink -f -- "$python")" || exit 42
exec timeout 50 "$python" -I -S -c "$3" "$1" "$2"`;

const NO_PROGRAM =
  "the sandbox has no program that does. Install one (poppler-utils, or pypdf with pip) and call fetch_url again";

async function read(url: string, bytes: Uint8Array, { sandbox, tool_call_id, signal }: PdfReader): Promise<Reading> {
  const name = toHex(await hashText(url)).slice(0, 16);
  const [source, target] = [`/tmp/fetch_url/${name}.pdf`, `/tmp/fetch_url/${name}.txt`];
  await sandbox.writeFile(source, bytes, signal);
  const command = `/bin/sh -c ${quote(script)} sh ${[source, target, program].map(quote).join(" ")}`;
  const request = { command_id: `${tool_call_id}_pdf`, command, wait_ms: COMMAND_MS };
  const { exit_code } = await sandbox.runCommand(request, () => {}, signal);
  if (exit_code === 42) return refuse(source, NO_PROGRAM);
  if (exit_code !== 0) return refuse(source, "it is damaged, locked or too large for it. Try another program on it");
  return toPage(new TextDecoder().decode(await sandbox.readFile(target, signal)), source);
}

function toPage(text: string, source: string): Reading {
  const pages = text
    .split("\f")
    .map((page) => trimLines(page))
    .map((page, index) => (page === "" ? "" : `## Page ${index + 1}\n\n${page}`))
    .filter((page) => page !== "");
  if (pages.length === 0) return refuse(source, "it holds no text, probably scanned images");
  const whole = pages.join("\n\n");
  const notes = whole.length > MAX_CHARACTERS ? [`The text goes on; the whole PDF is ${source} in the sandbox.`] : [];
  return { ok: true, page: { title: null, date: null, text: cutEnd(whole, MAX_CHARACTERS), by_sandbox: true, notes } };
}

function trimLines(text: string): string {
  return text
    .split("\n")
    .map((line) => line.trimEnd())
    .join("\n")
    .trim();
}

function refuse(source: string, why: string): Reading {
  return {
    ok: false,
    message: `At this address is a PDF, which is now ${source} in the sandbox. Its text could not be read: ${why}.`,
  };
}

function quote(text: string): string {
  return `'${text.replaceAll("'", `'\\''`)}'`;
}
