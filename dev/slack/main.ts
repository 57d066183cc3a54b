/**
 * `npm run slack -- [--port 3987] [--app http://127.0.0.1:8787/integrations/slack]`: the fake alone, with one workspace
 * and a page to try the product in. It prints the settings that the server needs.
 */
import { parseArgs } from "node:util";
import { outliveReader } from "../reader.ts";
import { hideArguments } from "../secrets.ts";
import { startSlack } from "./server.ts";

const usage =
  "usage: npm run slack -- [--port 3987] [--app http://127.0.0.1:8787/integrations/slack] [--installed] " +
  "[--signing-secret SECRET] [--client-id ID] [--client-secret SECRET]";

function readPort(value: string): number {
  const port = Number(value);
  if (!Number.isInteger(port) || port < 0 || port > 65_535) throw new Error("--port must be a number from 0 to 65535");
  return port;
}

async function run(): Promise<void> {
  const { values } = parseArgs({
    options: {
      port: { type: "string", default: "3987" },
      app: { type: "string", default: "http://127.0.0.1:8787/integrations/slack" },
      installed: { type: "boolean", default: false },
      "signing-secret": { type: "string" },
      "client-id": { type: "string" },
      "client-secret": { type: "string" },
    },
  });
  const { "signing-secret": signingSecret, "client-id": clientId, "client-secret": clientSecret } = values;
  const secrets = { signingSecret, clientId, clientSecret };
  if (signingSecret !== undefined || clientSecret !== undefined) hideArguments("taskloom-slack");
  const slack = await startSlack({ port: readPort(values.port), ...secrets });
  slack.connect(values.app);
  const workspace = slack.addWorkspace("Acme", { installed: values.installed });
  for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const)
    process.once(signal, () => void slack.close().finally(() => process.exit(0)));
  console.log(`a fake Slack on ${slack.url} (reachable only from this machine)`);
  console.log(`SLACK_APP_ID=${slack.app.id}`);
  console.log(`SLACK_SIGNING_SECRET=${slack.app.signingSecret}`);
  console.log(`SLACK_CLIENT_ID=${slack.app.clientId}`);
  console.log(`SLACK_CLIENT_SECRET=${slack.app.clientSecret}`);
  console.log(`SLACK_API_URL=${slack.apiUrl}`);
  console.log(`SLACK_AUTHORIZE_URL=${slack.authorizeUrl}`);
  console.log(`events are sent to ${values.app}`);
  if (values.installed) console.log(`workspace ${workspace.id}, bot token ${workspace.token()}`);
}

outliveReader();
run().catch((error: NodeJS.ErrnoException) => {
  console.error(error.code === "EADDRINUSE" ? "the port is already in use; choose another with --port" : error.message);
  if (error.code?.startsWith("ERR_PARSE_ARGS")) console.error(usage);
  process.exitCode = 1;
});
