// What Slack sends and reads, for `/openapi.json`. The requests are validated where they are parsed, field by field.
import { z } from "@hono/zod-openapi";
import { late } from "../../protocol/schemas/late.ts";

const FORM = "application/x-www-form-urlencoded";
const text = () => z.string();

export const slackEvent = late(() => ({
  "application/json": z.looseObject({ type: text() }).openapi("SlackEvent", {
    example: { type: "url_verification", challenge: "3eZbrw1aBm2rZgRNFdxV2595E9CY3gmdALWMmHkvFXO7" },
  }),
}));

export const slackInteraction = late(() => ({
  [FORM]: z
    .looseObject({ payload: text().openapi({ description: "JSON: a press of a button, or a form that was sent." }) })
    .openapi("SlackInteraction", { example: { payload: '{"type":"block_actions","actions":[]}' } }),
}));

export const slackCommand = late(() => ({
  [FORM]: z
    .looseObject({ command: text().optional(), text: text().optional(), trigger_id: text().optional() })
    .openapi("SlackCommand", {
      example: { command: "/taskloom", text: "build me an online shop", trigger_id: "1.2.3" },
    }),
}));

/** What Slack shows to the person. An empty text shows nothing. */
export const slackReply = late(() =>
  z.looseObject({}).openapi("SlackReply", {
    example: { response_type: "ephemeral", text: "I am on it: see the thread in this channel." },
  }),
);
