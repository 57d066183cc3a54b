// What the bundle takes for `@daytona/api-client` ([alias] in wrangler.toml): what src asks Daytona's API through the SDK,
// out of some twenty parts. docs/decisions/0086-lean-packages.md, 0095
import { createApi } from "./requests.ts";

export { Configuration } from "../../../node_modules/@daytona/api-client/src/configuration.js";
export { SandboxState } from "../../../node_modules/@daytona/api-client/src/models/sandbox-state.js";
export { SnapshotState } from "../../../node_modules/@daytona/api-client/src/models/snapshot-state.js";

export const SandboxApi = createApi({
  archiveSandbox: "POST /sandbox/{id}/archive org",
  createSandbox: "POST /sandbox body org",
  createSshAccess: "POST /sandbox/{id}/ssh-access org ?expiresInMinutes",
  deleteSandbox: "DELETE /sandbox/{id} org",
  expireSignedPortPreviewUrl: "POST /sandbox/{id}/ports/{port}/signed-preview-url/{token}/expire org none",
  getBuildLogsUrl: "GET /sandbox/{id}/build-logs-url org",
  getPortPreviewUrl: "GET /sandbox/{id}/ports/{port}/preview-url org",
  getSandbox: "GET /sandbox/{id} org ?verbose",
  getSignedPortPreviewUrl: "GET /sandbox/{id}/ports/{port}/signed-preview-url org ?expiresInSeconds",
  getToolboxProxyUrl: "GET /sandbox/{id}/toolbox-proxy-url org",
  recoverSandbox: "POST /sandbox/{id}/recover org ?skipStart",
  replaceLabels: "PUT /sandbox/{id}/labels body org",
  resizeSandbox: "POST /sandbox/{id}/resize body org",
  revokeSshAccess: "DELETE /sandbox/{id}/ssh-access org ?token",
  setAutoArchiveInterval: "POST /sandbox/{id}/autoarchive/{minutes} org",
  setAutostopInterval: "POST /sandbox/{id}/autostop/{minutes} org",
  setTtl: "POST /sandbox/{id}/ttl/{minutes} org",
  startSandbox: "POST /sandbox/{id}/start org",
  stopSandbox: "POST /sandbox/{id}/stop org ?force",
  updateLastActivity: "POST /sandbox/{id}/last-activity org body none",
  updateNetworkSettings: "POST /sandbox/{id}/network-settings body org",
});

export const SnapshotsApi = createApi({
  activateSnapshot: "POST /snapshots/{id}/activate org",
  getSnapshot: "GET /snapshots/{id} org",
});

class LeftOut {}

export {
  LeftOut as ConfigApi,
  LeftOut as ObjectStorageApi,
  LeftOut as SecretApi,
  LeftOut as VolumesApi,
  LeftOut as WarmPoolsApi,
};

/** Words that only the SDK's own index passes on. */
const none = {};

export {
  none as GpuType,
  none as ListSecretsPaginatedOrderEnum,
  none as ListSecretsPaginatedSortEnum,
  none as SandboxClass,
  none as SandboxListSortDirection,
  none as SandboxListSortField,
};
