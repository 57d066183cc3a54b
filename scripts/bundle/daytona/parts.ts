// What the bundle takes for parts of Daytona's SDK that src does not use ([alias] in wrangler.toml): desktops, language
// servers, the interpreter, metrics of a sandbox, logs as streams, signed addresses of files, and the connection for
// events that polling replaces (src/sandboxes/daytona/client/client.ts).

class LeftOut {}

export {
  LeftOut as Accessibility,
  LeftOut as CodeInterpreter,
  LeftOut as ComputerUse,
  LeftOut as Configuration,
  LeftOut as Display,
  LeftOut as EventDispatcher,
  LeftOut as Git,
  LeftOut as Keyboard,
  LeftOut as LspServer,
  LeftOut as Mouse,
  LeftOut as PtyHandle,
  LeftOut as Screenshot,
  LeftOut as SecretService,
  LeftOut as TelemetryApi,
  LeftOut as VolumeService,
  LeftOut as WarmPoolService,
};

export const LspLanguageId = {};

/** As without a connection: nobody hears of anything. */
export class EventSubscriptionManager {
  subscribe = (): string => "";
  refresh = (): boolean => false;
  unsubscribe(): void {}
  shutdown(): void {}
}

function leftOut(): never {
  throw new Error("The bundle's Daytona SDK lacks this part (scripts/bundle/daytona/parts.ts).");
}

export {
  leftOut as buildSignedFileUrl,
  leftOut as createSandboxWebSocket,
  leftOut as processStreamingResponse,
  leftOut as stdDemuxStream,
};
