// What the bundle takes for `@daytona/api-client` ([alias] in wrangler.toml): what the SDK makes for each client, out of
// some twenty parts of Daytona's API. docs/decisions/0086-lean-packages.md

export { ConfigApi } from "../../../node_modules/@daytona/api-client/src/api/config-api.js";
export { SandboxApi } from "../../../node_modules/@daytona/api-client/src/api/sandbox-api.js";
export { SnapshotsApi } from "../../../node_modules/@daytona/api-client/src/api/snapshots-api.js";
export { Configuration } from "../../../node_modules/@daytona/api-client/src/configuration.js";
export { SandboxState } from "../../../node_modules/@daytona/api-client/src/models/sandbox-state.js";
export { SnapshotState } from "../../../node_modules/@daytona/api-client/src/models/snapshot-state.js";

class LeftOut {}

export { LeftOut as ObjectStorageApi, LeftOut as SecretApi, LeftOut as VolumesApi, LeftOut as WarmPoolsApi };

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
