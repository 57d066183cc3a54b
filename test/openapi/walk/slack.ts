// The app in Slack, through the fake, whose requests come through Prism as well.
import type { Message } from "../../../dev/slack/store.ts";
import { until } from "./automation.ts";
import { cookieOf } from "./people.ts";
import type { Stage } from "./stage.ts";
import type { Walker } from "./walker.ts";

const ROUTES = "POST /integrations/slack";

export async function walkSlack({ ask, reach, wrong }: Walker, { slack, workspace }: Stage): Promise<void> {
  const beta = slack.addWorkspace("Beta", { installed: true });
  await ask("POST /v1/slack/workspaces", { body: { bot_token: beta.token() } });
  const { body: address } = await ask("POST /v1/slack/install", { body: {} });
  const ticket = new URL(String(address.url)).searchParams.get("ticket") ?? "";
  const sent = await ask("GET /integrations/slack/install", { key: null, query: { ticket } });
  const back = new URL(slack.authorize(sent.location, { team: workspace.id }));
  const headers = { cookie: cookieOf(sent.cookies) };
  await ask("GET /integrations/slack/callback", { key: null, headers, query: Object.fromEntries(back.searchParams) });
  await ask("GET /v1/slack/workspaces", {});
  await ask("PATCH /v1/slack/workspaces/{team_id}", { params: { team_id: beta.id }, body: { agent_id: null } });

  if (!(await slack.verifyAddress())) wrong.push(`${ROUTES}/events: the challenge is not answered`);
  const { channel, user } = workspace;
  const text = '[[tool ask {"question":"Which colour?","choices":["red","blue"]}]]';
  const { message, deliveries } = slack.mention({ channel, user, text });
  await Promise.all(deliveries);
  const asked = () => slack.thread(channel, message.ts).find((said) => buttonsOf(said).length > 0);
  await until(() => asked() !== undefined);
  const [button] = buttonsOf(asked());
  await slack.click({ channel, user, ts: asked()?.ts ?? "", action_id: button?.action_id ?? "" });
  await slack.command({ channel, user, command: "/taskloom", text: "[[text Commanded.]]" });
  await slack.settled();
  const routes = { event: "events", interaction: "interactivity", command: "commands" } as const;
  for (const [kind, route] of Object.entries(routes)) {
    const sent = slack.deliveries.filter((delivery) => delivery.kind === kind);
    const refused = sent.flatMap(({ attempts }) => attempts.filter(({ status }) => status !== 200));
    wrong.push(...refused.map((attempt) => `${ROUTES}/${route}: ${JSON.stringify(attempt).slice(0, 1_000)}`));
    if (sent.length > 0 && refused.length === 0) reach(`${ROUTES}/${route}`);
  }
  await ask("DELETE /v1/slack/workspaces/{team_id}", { params: { team_id: beta.id } });
}

function buttonsOf(message: Message | undefined): { action_id: string }[] {
  const blocks = (message?.blocks ?? []) as {
    type: string;
    elements?: { type: string; action_id: string; url?: string }[];
  }[];
  return blocks.flatMap(({ type, elements = [] }) =>
    type === "actions" ? elements.filter((element) => element.type === "button" && element.url === undefined) : [],
  );
}
