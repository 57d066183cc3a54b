// The project's files as far as the page has read them: a folder when it is opened, and all open ones again on demand.
import type { Api } from "../client/api.ts";
import { readLink } from "../conversation/link.ts";
import { describeProblem } from "../state/problem.ts";
import { Store } from "../state/store.ts";
import { emptyTree, type FileEntry, type FileTree, type Folder, sortEntries } from "./file-tree.ts";
import { pathOfSandbox } from "./project.ts";

/** Reading starts a sandbox that has stopped meanwhile. */
const listMs = 120_000;

export class FileStore {
  readonly tree = new Store<FileTree>(emptyTree);
  readonly path: string;
  readonly #api: Api;
  /** For each folder the newest request wins. */
  readonly #readings = new Map<string, number>();

  constructor(api: Api, project: string) {
    this.#api = api;
    this.path = `${pathOfSandbox(project)}/files`;
  }

  toggle(folder: string): void {
    const { open } = this.tree.get();
    const next = new Set(open);
    if (!next.delete(folder)) {
      next.add(folder);
      void this.read(folder);
    }
    this.tree.change((tree) => ({ ...tree, open: next }));
  }

  async refresh(): Promise<void> {
    const { open } = this.tree.get();
    await Promise.all(["", ...open].map((folder) => this.read(folder)));
  }

  async read(folder: string): Promise<void> {
    const reading = (this.#readings.get(folder) ?? 0) + 1;
    this.#readings.set(folder, reading);
    const read = await this.#list(folder);
    if (this.#readings.get(folder) !== reading) return;
    this.tree.change(({ folders, open }) => ({ folders: { ...folders, [folder]: read }, open }));
  }

  async remove({ path, is_dir }: FileEntry): Promise<void> {
    const query = `path=${encodeURIComponent(path)}${is_dir ? "&recursive=true" : ""}`;
    await this.#api.send("DELETE", `${this.path}/content?${query}`, undefined, listMs);
    this.tree.change(({ folders, open }) => {
      const isGone = (other: string): boolean => other === path || other.startsWith(`${path}/`);
      const left = Object.entries(folders).filter(([folder]) => !isGone(folder));
      return { folders: Object.fromEntries(left), open: new Set([...open].filter((folder) => !isGone(folder))) };
    });
  }

  /** A browser's download can't send a key, so it uses an address that works once. */
  async download(path: string, kind: "content" | "archive"): Promise<void> {
    const { url } = await this.#api.send<{ url: string }>("POST", `${this.path}/ticket`, { path, kind });
    const href = readLink(url);
    if (href === null) return;
    const link = document.createElement("a");
    link.href = href;
    link.download = "";
    link.rel = "noopener noreferrer";
    link.click();
  }

  async #list(folder: string): Promise<Folder> {
    try {
      const { data, truncated } = await this.#api.get<{ data: FileEntry[]; truncated: boolean }>(
        `${this.path}?path=${encodeURIComponent(folder)}`,
        listMs,
      );
      return { entries: sortEntries(data), truncated, problem: null };
    } catch (error) {
      return { entries: null, truncated: false, problem: describeProblem(error) };
    }
  }
}
