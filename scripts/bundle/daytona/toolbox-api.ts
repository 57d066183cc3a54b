// What the bundle takes for `@daytona/toolbox-api-client` ([alias] in wrangler.toml): what src asks a sandbox's daemon
// through the SDK. For contents of files, git and terminals it asks by itself (src/sandboxes/daytona/client/toolbox.ts).
import { createApi } from "./requests.ts";

export const FileSystemApi = createApi({
  createFolder: "POST /files/folder ?path ?mode any",
  deleteFile: "DELETE /files ?path ?recursive any",
  getFileInfo: "GET /files/info ?path",
  moveFile: "POST /files/move ?source ?destination any",
});

export const InfoApi = createApi({
  getUserHomeDir: "GET /user-home-dir",
  getWorkDir: "GET /work-dir",
});

export const ProcessApi = createApi({
  createSession: "POST /process/session body",
  deletePtySession: "DELETE /process/pty/{id}",
  deleteSession: "DELETE /process/session/{id} any",
  executeCommand: "POST /process/execute body",
  getPtySession: "GET /process/pty/{id}",
  getSession: "GET /process/session/{id}",
  getSessionCommand: "GET /process/session/{id}/command/{command}",
  listSessions: "GET /process/session",
  resizePtySession: "POST /process/pty/{id}/resize body",
  sendInput: "POST /process/session/{id}/command/{command}/input body any",
  sessionExecuteCommand: "POST /process/session/{id}/exec body",
});

class LeftOut {}

export {
  LeftOut as ComputerUseApi,
  LeftOut as GitApi,
  LeftOut as InterpreterApi,
  LeftOut as LspApi,
  LeftOut as ServerApi,
  LeftOut as SystemApi,
};
