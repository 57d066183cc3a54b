// The settings of a server on which every operation has something to do: with Slack, sign-in and previews.
import type { Slack } from "../../dev/slack/server.ts";
import type { OidcIssuer } from "./oidc-issuer.ts";

export function settingsOf({ app, apiUrl, authorizeUrl }: Slack, { url, client }: OidcIssuer): Record<string, string> {
  return {
    ENCRYPTION_KEY: "encryption-key-of-the-tests-which-is-long-enough",
    ALLOW_PRIVATE_URLS: "1",
    PREVIEW_DOMAIN: "previews.localhost",
    SLACK_APP_ID: app.id,
    SLACK_SIGNING_SECRET: app.signingSecret,
    SLACK_CLIENT_ID: app.clientId,
    SLACK_CLIENT_SECRET: app.clientSecret,
    SLACK_API_URL: apiUrl,
    SLACK_AUTHORIZE_URL: authorizeUrl,
    OIDC_ISSUER: url,
    OIDC_CLIENT_ID: client.client_id,
    OIDC_CLIENT_SECRET: client.client_secret,
    OIDC_NAME: "Example Inc.",
    OIDC_ALLOWED_DOMAINS: "example.com",
  };
}
