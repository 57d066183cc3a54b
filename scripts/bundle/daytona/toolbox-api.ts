// What the bundle takes for `@daytona/toolbox-api-client` ([alias] in wrangler.toml): what src asks a sandbox's daemon
// through the SDK. For contents of files, git and terminals it asks by itself (src/sandboxes/daytona/client/toolbox.ts).

export { FileSystemApi } from "../../../node_modules/@daytona/toolbox-api-client/src/api/file-system-api.js";
export { InfoApi } from "../../../node_modules/@daytona/toolbox-api-client/src/api/info-api.js";
export { ProcessApi } from "../../../node_modules/@daytona/toolbox-api-client/src/api/process-api.js";

class LeftOut {}

export {
  LeftOut as ComputerUseApi,
  LeftOut as GitApi,
  LeftOut as InterpreterApi,
  LeftOut as LspApi,
  LeftOut as ServerApi,
  LeftOut as SystemApi,
};
