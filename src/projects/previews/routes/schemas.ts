// Request and response bodies of links to ports of a sandbox.
import { z } from "@hono/zod-openapi";
import { apiKey } from "../../../http/examples.ts";
import { madeBy, time } from "../../../http/schemas.ts";
import { late } from "../../../protocol/schemas/late.ts";

const MAX_LINK_SECONDS = 30 * 24 * 60 * 60;

export const previewBody = late(() =>
  z
    .strictObject({
      port: z.int().min(1).max(65_535),
      expires_in_seconds: z
        .int()
        .min(1)
        .max(MAX_LINK_SECONDS)
        .optional()
        .openapi({ description: "A day if absent. Without PREVIEW_DOMAIN a day is the maximum." }),
    })
    .openapi({ example: { port: 3000 } }),
);

const example = {
  port: 3000,
  url: "https://3000-k5t2mq7zr4wq3xj6vy2b5n7c3d.previews.example/",
  expires_at: "2026-11-25T10:00:00.000Z",
  made_by: apiKey.key_id,
};

export const preview = late(() =>
  z.object({ port: z.int(), url: z.string(), expires_at: time, made_by: madeBy }).openapi("Preview", { example }),
);
