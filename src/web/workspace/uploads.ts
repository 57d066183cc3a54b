// Uploads files into the sandbox one at a time, with progress. Only XMLHttpRequest reports how much has been sent.
import { type Api, ApiError, readRetryAt } from "../client/api.ts";
import { describeProblem, type Problem } from "../state/problem.ts";
import { Store } from "../state/store.ts";
import { joinPath } from "./file-tree.ts";

export interface Upload {
  id: number;
  name: string;
  folder: string;
  state: "waiting" | "sending" | "done" | "failed";
  /** 0 to 1. */
  sent: number;
  problem: Problem | null;
  isTooLarge: boolean;
}

const maxBytes = 100 * 1024 * 1024;

interface Sending {
  upload: Upload;
  file: File;
}

export class Uploads {
  readonly list = new Store<Upload[]>([]);
  readonly #api: Api;
  readonly #files: string;
  readonly #onDone: (folder: string) => void;
  readonly #queue: Sending[] = [];
  #request: XMLHttpRequest | null = null;
  #sending: number | null = null;
  #count = 0;

  constructor(api: Api, files: string, onDone: (folder: string) => void) {
    this.#api = api;
    this.#files = files;
    this.#onDone = onDone;
  }

  add(folder: string, files: File[]): void {
    for (const file of files) {
      const isTooLarge = file.size > maxBytes;
      this.#count += 1;
      const state = isTooLarge ? "failed" : "waiting";
      const upload: Upload = { id: this.#count, name: file.name, folder, state, sent: 0, problem: null, isTooLarge };
      this.list.change((list) => [...list, upload]);
      if (!isTooLarge) this.#queue.push({ upload, file });
    }
    void this.#work();
  }

  /** Cancels it if it is in flight. */
  remove(id: number): void {
    const place = this.#queue.findIndex(({ upload }) => upload.id === id);
    if (place >= 0) this.#queue.splice(place, 1);
    this.list.change((list) => list.filter((upload) => upload.id !== id));
    if (this.#sending === id) this.#request?.abort();
  }

  close(): void {
    this.#queue.splice(0);
    this.#request?.abort();
  }

  async #work(): Promise<void> {
    if (this.#sending !== null) return;
    for (let next = this.#queue.shift(); next; next = this.#queue.shift()) {
      const { upload, file } = next;
      this.#sending = upload.id;
      this.#change(upload.id, { state: "sending" });
      try {
        await this.#send(upload, file);
        this.#change(upload.id, { state: "done", sent: 1 });
        this.#onDone(upload.folder);
      } catch (error) {
        this.#change(upload.id, { state: "failed", problem: describeProblem(error) });
      }
    }
    this.#sending = null;
  }

  #change(id: number, change: Partial<Upload>): void {
    this.list.change((list) => list.map((upload) => (upload.id === id ? { ...upload, ...change } : upload)));
  }

  #send({ id, folder, name }: Upload, file: File): Promise<void> {
    const path = encodeURIComponent(joinPath(folder, name));
    return new Promise((resolve, reject) => {
      const request = new XMLHttpRequest();
      this.#request = request;
      request.open("PUT", this.#api.addressOf(`${this.#files}/content?path=${path}`));
      for (const [header, value] of Object.entries(this.#api.credentials)) request.setRequestHeader(header, value);
      request.setRequestHeader("content-type", "application/octet-stream");
      request.upload.onprogress = ({ loaded, total }) => this.#change(id, { sent: total > 0 ? loaded / total : 0 });
      request.onload = () => {
        if (request.status >= 200 && request.status < 300) resolve();
        else reject(readRefusal(request));
      };
      request.onerror = () => reject(new Error("the connection was closed"));
      request.onabort = () => reject(new Error("stopped"));
      request.send(file);
    });
  }
}

function readRefusal(request: XMLHttpRequest): ApiError {
  const { status, responseText } = request;
  const at = readRetryAt(status, request.getResponseHeader("retry-after"));
  try {
    const { code, title, detail } = JSON.parse(responseText) as Record<string, unknown>;
    const said = [title, detail].filter((part) => typeof part === "string" && part !== "").join(": ");
    return new ApiError(status, typeof code === "string" ? code : null, said || `HTTP ${status}`, at);
  } catch {
    return new ApiError(status, null, `HTTP ${status}`, at);
  }
}
