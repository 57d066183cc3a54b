// Daytona's SDK as the bundle has it: without what scripts/bundle/daytona leaves out.
import type {
  CreateSandboxFromImageParams,
  CreateSandboxFromSnapshotParams,
  Daytona,
  Sandbox,
  Snapshot,
} from "@daytonaio/sdk";

type LeftOut =
  | ("codeInterpreter" | "computerUse" | "createLspServer" | "git" | "getMetrics" | "getMetricsLatest" | "updateEnv")
  | ("downloadUrl" | "fs" | "process" | "uploadUrl");

export type SdkSandbox = Omit<Sandbox, LeftOut> & {
  fs: Pick<Sandbox["fs"], "createFolder" | "deleteFile" | "getFileDetails" | "moveFiles">;
  process: Omit<Sandbox["process"], "connectPty" | "createPty" | "getSessionCommandLogs">;
};

export type SdkClient = Pick<Daytona, "get"> & {
  /** Without the logs of a build. */
  create(
    parameters: CreateSandboxFromImageParams | CreateSandboxFromSnapshotParams,
    options: { timeout: number },
  ): Promise<Sandbox>;
  snapshot: Pick<Daytona["snapshot"], "get"> & { activate(snapshot: Snapshot): Promise<Snapshot> };
};
