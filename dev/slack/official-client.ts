// The official client in a workspace of its own, for tests.
import { WebAPIPlatformError, WebClient, type WebClientOptions } from "@slack/web-api";
import type { WorkspaceHandle } from "./handle.ts";
import type { Slack } from "./server.ts";

export interface ConnectedWorkspace {
  workspace: WorkspaceHandle;
  client: WebClient;
  channel: string;
  /** The timestamp of a person's message, which starts a thread. */
  thread_ts: string;
}

const quiet = { debug() {}, info() {}, warn() {}, error() {}, setLevel() {}, setName() {}, getLevel: () => "error" };

/** Tries once unless the options say otherwise. */
export function connectClient(slack: Slack, token?: string, options: WebClientOptions = {}): WebClient {
  return new WebClient(token, {
    slackApiUrl: slack.apiUrl,
    retryConfig: { retries: 0 },
    logger: quiet as unknown as NonNullable<WebClientOptions["logger"]>,
    ...options,
  });
}

export function connectWorkspace(slack: Slack, name: string): ConnectedWorkspace {
  const workspace = slack.addWorkspace(name);
  const { channel, user } = workspace;
  const { message } = slack.mention({ channel, user, text: "build me a shop" });
  return { workspace, client: connectClient(slack, workspace.token()), channel, thread_ts: message.ts };
}

/** The name of Slack's error, or `none`. */
export async function refusalOf(call: Promise<unknown>): Promise<string> {
  try {
    await call;
    return "none";
  } catch (error) {
    if (error instanceof WebAPIPlatformError) return String(error.data.error);
    throw error;
  }
}
