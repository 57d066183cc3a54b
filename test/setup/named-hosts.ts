// Names that resolve as a test says, for workerd alone and through the system's own resolver: its program runs with
// another /etc/hosts, mounted with bubblewrap, which needs no rights. What may be reached under a name is then decided
// where it really is decided.
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import { join } from "node:path";

export interface NamedHosts {
  /** For Miniflare's MINIFLARE_WORKERD_PATH. */
  program: string;
  /** Each name with its addresses; from now on, also in a runtime that was started before. */
  set(names: Record<string, string[]>): Promise<void>;
  close(): Promise<void>;
}

export async function nameHosts(names: Record<string, string[]>): Promise<NamedHosts> {
  const folder = await mkdtemp(join(tmpdir(), "taskloom-hosts-"));
  const [hosts, program] = [join(folder, "hosts"), join(folder, "workerd")];
  const workerd = (createRequire(import.meta.url)("workerd") as { default: string }).default;
  // Written in place, since the mount is of this file.
  const set = (own: Record<string, string[]>) =>
    writeFile(
      hosts,
      Object.entries({ localhost: ["127.0.0.1"], ...own })
        .flatMap(([name, addresses]) => addresses.map((address) => `${address} ${name}\n`))
        .join(""),
    );
  await set(names);
  const mounts = `--dev-bind / / --ro-bind '${hosts}' /etc/hosts`;
  await writeFile(program, `#!/bin/sh\nexec bwrap ${mounts} --die-with-parent '${workerd}' "$@"\n`, { mode: 0o755 });
  return { program, set, close: () => rm(folder, { recursive: true, force: true }) };
}
