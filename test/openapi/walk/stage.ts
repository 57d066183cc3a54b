// All that the walk needs: the server with a model, sandboxes, Slack and an issuer beside it, a receiver of webhooks, and
// Prism in front.
import { type Slack, startSlack } from "../../../dev/slack/server.ts";
import { startTaskloom, type Taskloom } from "../../e2e/harness.ts";
import { type Receiver, startReceiver } from "../../e2e/webhook-receiver.ts";
import { settingsOf } from "../../setup/full-settings.ts";
import { type OidcIssuer, startOidcIssuer } from "../../setup/oidc-issuer.ts";
import { type Prism, startPrism } from "./prism.ts";
import { type Relay, startRelay } from "./relay.ts";

export interface Stage {
  taskloom: Taskloom;
  slack: Slack;
  workspace: ReturnType<Slack["addWorkspace"]>;
  issuer: OidcIssuer;
  receiver: Receiver;
  relay: Relay;
  prism: Prism;
  close(): Promise<void>;
}

export async function openStage(): Promise<Stage> {
  const [slack, issuer, receiver] = await Promise.all([startSlack(), startOidcIssuer(), startReceiver({})]);
  const taskloom = await startTaskloom({
    ...settingsOf(slack, issuer),
  });
  const relay = await startRelay(taskloom.url);
  await issuer.begin({ origin: relay.url });
  const prism = await startPrism(relay.url);
  slack.connect(`${prism.url}/integrations/slack`);
  const workspace = slack.addWorkspace("Acme", { installed: true });
  return {
    ...{ taskloom, slack, workspace, issuer, receiver, relay, prism },
    close: async () => {
      await prism.close();
      await relay.close();
      await taskloom.close();
      await Promise.all([slack.close(), issuer.close(), receiver.close()]);
    },
  };
}
