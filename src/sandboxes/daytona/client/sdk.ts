// Daytona's SDK as the bundle has it: without what scripts/bundle/daytona leaves out.
import type { Daytona, Sandbox } from "@daytonaio/sdk";

type LeftOut =
  | ("codeInterpreter" | "computerUse" | "createLspServer" | "git" | "getMetrics" | "getMetricsLatest" | "updateEnv")
  | ("fs" | "process");

export type SdkSandbox = Omit<Sandbox, LeftOut> & {
  fs: Pick<Sandbox["fs"], "createFolder" | "deleteFile" | "getFileDetails" | "moveFiles">;
  process: Omit<Sandbox["process"], "connectPty" | "createPty" | "getSessionCommandLogs">;
};

export type SdkClient = Pick<Daytona, "create" | "get"> & { snapshot: Pick<Daytona["snapshot"], "activate" | "get"> };
