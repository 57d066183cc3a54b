// What the bundle takes for the snapshots of Daytona's SDK ([alias] in wrangler.toml): src looks one up and activates it.
// The SDK's own also makes them, and uploads the files of an image, of which ours have none (`image.ts`).
import type { Snapshot } from "@daytonaio/sdk";
import type { SnapshotsApi } from "../../../node_modules/@daytona/api-client/src/api/snapshots-api.js";

export class SnapshotService {
  readonly #client: SnapshotsApi;

  constructor(_settings: unknown, client: SnapshotsApi) {
    this.#client = client;
  }

  static async processImageContext(): Promise<string[]> {
    return [];
  }

  async get(name: string): Promise<Snapshot> {
    return (await this.#client.getSnapshot(name)).data as Snapshot;
  }

  async activate({ id }: Snapshot): Promise<Snapshot> {
    return (await this.#client.activateSnapshot(id)).data as Snapshot;
  }
}
