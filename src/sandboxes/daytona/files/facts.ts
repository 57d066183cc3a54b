// What a sandbox reports of itself, in one short script: its system, the programs that are there, whether there is a
// way to other machines, and the notes for agents of a checkout. All of it is text from programs and files that anybody
// may have written, and only read here.

import type { ProjectNotes, SandboxFacts } from "../../../agent/sandbox.ts";
import { type Folders, showPath } from "../../paths.ts";
import type { DaytonaConnection } from "../client/connection.ts";
import type { SdkSandbox } from "../client/sdk.ts";
import type { Toolbox } from "../client/toolbox.ts";
import type { DaytonaFiles } from "./files.ts";
import { runScript } from "./scripts.ts";

/** A first result waits for it. */
const SCRIPT_MS = 3_000;
/** What is shown has 8 KiB at most. */
const NOTES_BYTES = 9_000;

/** In the order in which they are reported. The first run with an option that prints their version. */
const VERSIONED = "node bun deno python3 python go java rustc ruby php dotnet gcc git".split(" ");
/** These are slow to start, or would load something: it is enough that they are there. */
const NAMED = "npm pnpm yarn pip3 uv cargo make docker psql sqlite3 ffmpeg rg jq curl".split(" ");

// $1 is the folder whose notes are read first, $2 another or empty, $3 is empty for the notes alone. A link may lead
// anywhere, so only regular files are read. Go's settings in the home may say which version is meant, and Go would run
// that one.
const SCRIPT = `GOTOOLCHAIN=local; export GOTOOLCHAIN
for folder in "$1" "$2"; do
  [ -n "$folder" ] || continue
  for name in AGENTS.md CLAUDE.md; do
    file=$folder/$name
    [ -f "$file" ] && [ ! -L "$file" ] && [ -s "$file" ] || continue
    printf 'notes %s %s %s\\n' "$(wc -c <"$file" | tr -d ' ')" "$name" "$(head -c ${NOTES_BYTES} "$file" | base64 | tr -d '\\n')"
    printf 'folder %s\\n' "$folder"
    break 2
  done
done
if [ -n "$3" ]; then
  printf 'system %s %s\\n' "$(sed -n 's/^PRETTY_NAME=//p' /etc/os-release 2>/dev/null | head -n 1 | tr -d '"' | head -c 100)" "$(uname -m)"
  if [ -r /proc/net/route ]; then
    if grep -q '^[^[:space:]]*[[:space:]]00000000[[:space:]]' /proc/net/route || grep '^0\\{32\\} 00 ' /proc/net/ipv6_route 2>/dev/null | grep -qv '[[:space:]]lo$'
    then echo 'route yes'; else echo 'route no'; fi
  fi
  limit=; command -v timeout >/dev/null 2>&1 && limit='timeout 2'
  for program in ${NAMED.join(" ")}; do command -v $program >/dev/null 2>&1 && echo "program $program"; done
  for program in ${VERSIONED.join(" ")}; do
    command -v $program >/dev/null 2>&1 || continue
    case $program in go) option=version ;; java) option=-version ;; *) option=--version ;; esac
    { printf 'program %s %s\\n' $program "$($limit $program $option </dev/null 2>&1 | head -n 3 | tr '\\n' ' ' | head -c 200)"; } &
  done
  wait
fi
echo end`;

interface Place {
  toolbox: Toolbox;
  sandbox: SdkSandbox;
}

export interface FactsPorts {
  connection: DaytonaConnection;
  toolbox: Toolbox;
  files: DaytonaFiles;
  /** The folder of the project's repository; null if it has none. */
  readHome: () => string | null;
}

export class DaytonaFacts {
  readonly #ports: FactsPorts;

  constructor(ports: FactsPorts) {
    this.#ports = ports;
  }

  /** Asks only a sandbox that is open already, and only once: the next use opens one if it is gone. */
  async read(signal: AbortSignal): Promise<SandboxFacts | null> {
    const { connection, toolbox, files, readHome } = this.#ports;
    const use = await connection.readUse();
    if (use === null) return null;
    const work = await files.resolve("", signal);
    const home = readHome();
    const checkout = home === null ? "" : (await files.resolve(home, signal)).absolute;
    const lines = await look({ toolbox, sandbox: use.sandbox }, [checkout, work.absolute, "all"], signal);
    if (lines === null) return null;
    const route = lines.get("route")?.[0];
    return {
      work_dir: work.absolute,
      system: lines.get("system")?.[0]?.trim() ?? "",
      programs: readPrograms(lines.get("program") ?? []),
      has_route: route === undefined ? null : route === "yes",
      notes: readNotes(lines, work.folders),
    };
  }

  async readNotes(folder: string, signal: AbortSignal): Promise<ProjectNotes | null> {
    const { connection, toolbox, files } = this.#ports;
    const { absolute, folders } = await files.resolve(folder, signal);
    const lines = await connection.call((sandbox) => look({ toolbox, sandbox }, [absolute, "", ""], signal), signal);
    return lines && readNotes(lines, folders);
  }
}

/** The script's lines by their first word; null if it did not end. */
async function look(
  { toolbox, sandbox }: Place,
  values: string[],
  signal: AbortSignal,
): Promise<Map<string, string[]> | null> {
  const output = await runScript(toolbox, sandbox, { text: SCRIPT, values, timeout_ms: SCRIPT_MS }, signal);
  const lines = new Map<string, string[]>();
  for (const line of output.split("\n")) {
    const [, name = "", value = ""] = /^(\S+)(?!\S) ?(.*)$/.exec(line) ?? [];
    lines
      .set(name, lines.get(name) ?? [])
      .get(name)
      ?.push(value);
  }
  return lines.has("end") ? lines : null;
}

function readPrograms(lines: string[]): SandboxFacts["programs"] {
  const found = new Map(
    lines.map((line) => {
      const [, name = "", text = ""] = /^(\S+)(?!\S) ?(.*)$/.exec(line) ?? [];
      return [name, /(?<!\d)\d+(?:\.\d+)+[\w.+-]*/.exec(text)?.[0].slice(0, 40) ?? null] as const;
    }),
  );
  // Python 2 or 3, wherever only one name is there.
  if (found.has("python3")) found.delete("python");
  return [...VERSIONED, ...NAMED].flatMap((name) => {
    const version = found.get(name);
    return version === undefined ? [] : [{ name, version }];
  });
}

function readNotes(lines: ReadonlyMap<string, string[]>, folders: Folders): ProjectNotes | null {
  const [, size = "", name = "", encoded = ""] = /^(\d+) (\S+) (\S+)$/.exec(lines.get("notes")?.[0] ?? "") ?? [];
  const folder = lines.get("folder")?.[0];
  if (encoded === "" || folder === undefined) return null;
  const text = decodeText(encoded);
  if (text === null || text.trim() === "") return null;
  return {
    path: showPath(`${folder === "/" ? "" : folder}/${name}`, folders),
    text,
    is_cut: Number(size) > NOTES_BYTES,
  };
}

/** Null for what is no text. The end may be within a character. */
function decodeText(encoded: string): string | null {
  try {
    const bytes = Uint8Array.from(atob(encoded), (sign) => sign.charCodeAt(0));
    if (bytes.includes(0)) return null;
    // With `stream`, an incomplete character at the end is left out; any other fault throws.
    return new TextDecoder("utf-8", { fatal: true, ignoreBOM: false }).decode(bytes, { stream: true });
  } catch {
    return null;
  }
}
