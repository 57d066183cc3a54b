// Lists the parts of an account: one line each. They go in this order. What gives access is first, and what a run could make
// again comes after the threads.
import type { AccountPart } from "./accounts/part.ts";
import { budgetsPart } from "./budgets/routes/account.ts";
import { agentsPart, keysPart, usesPart } from "./http/routes/account-parts/rows.ts";
import { threadsPart } from "./http/routes/account-parts/threads.ts";
import {
  accessPart,
  credentialsPart,
  projectsPart,
  sandboxesPart,
  sandboxSecretsPart,
} from "./projects/routes/account.ts";
import { slackPart } from "./slack/routes/account.ts";
import { triggersPart } from "./triggers/routes/account.ts";
import { webhooksPart } from "./webhooks/routes/account.ts";

export const accountParts: AccountPart[] = [
  keysPart,
  triggersPart,
  threadsPart,
  budgetsPart,
  accessPart,
  webhooksPart,
  slackPart,
  projectsPart,
  sandboxesPart,
  sandboxSecretsPart,
  usesPart,
  agentsPart,
  credentialsPart,
];
