// What the bundle takes for the files of Daytona's SDK ([alias] in wrangler.toml): what src asks through it. Contents go
// another way (src/sandboxes/daytona/client/toolbox.ts).
import type { Sandbox } from "@daytonaio/sdk";
import type { FileSystemApi } from "../../../node_modules/@daytona/toolbox-api-client/src/api/file-system-api.js";

type FileInfo = Awaited<ReturnType<Sandbox["fs"]["getFileDetails"]>>;

export class FileSystem {
  readonly #client: FileSystemApi;

  constructor(_settings: unknown, client: FileSystemApi) {
    this.#client = client;
  }

  async createFolder(path: string, mode: string): Promise<void> {
    await this.#client.createFolder(path, mode);
  }

  async deleteFile(path: string, isRecursive?: boolean): Promise<void> {
    await this.#client.deleteFile(path, isRecursive);
  }

  async getFileDetails(path: string): Promise<FileInfo> {
    return (await this.#client.getFileInfo(path)).data;
  }

  async moveFiles(source: string, destination: string): Promise<void> {
    await this.#client.moveFile(source, destination);
  }
}
