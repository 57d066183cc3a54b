// Who serves a model, as traces say it: OpenTelemetry's own word where it has one for the provider.
import type { ModelSettings } from "../config/models.ts";
import { readAddress } from "./exchange/address.ts";
import { findServer } from "./profiles/servers.ts";
import { findRoute } from "./servers.ts";

const wellKnown: Record<string, string> = {
  azure: "azure.ai.openai",
  gemini: "gcp.gemini",
  kimi: "moonshot_ai",
  mistral: "mistral_ai",
};

/** Those that have a word of their own and need no profile, or share one. */
const byHost: [RegExp, string][] = [
  [/(?:^|\.|-)aiplatform\.googleapis\.com$/, "gcp.vertex_ai"],
  [/(?:^|\.)x\.ai$/, "x_ai"],
  [/^bedrock[\w-]*\..*\.amazonaws\.com$/, "aws.bedrock"],
  [/(?:^|\.)perplexity\.ai$/, "perplexity"],
  [/(?:^|\.)cohere\.(?:ai|com)$/, "cohere"],
  [/\.ml\.cloud\.ibm\.com$/, "ibm.watsonx.ai"],
];

export interface ServedModel {
  "gen_ai.provider.name": string;
  "gen_ai.request.model": string;
  "server.address"?: string;
  "server.port"?: number;
}

/** The host alone: an address may contain a password. */
export function describeServedModel(settings: ModelSettings, name: string): ServedModel {
  const routing = findRoute(settings, name);
  if (!routing.ok) return { "gen_ai.provider.name": "_OTHER", "gen_ai.request.model": name };
  const { server, server_name, model } = routing.route;
  const place = readPlace(server.base_url);
  const [, known] = byHost.find(([host]) => host.test(place["server.address"] ?? "")) ?? [];
  const found = findServer(server.profile, server.base_url, model)?.name;
  // A server of no known address speaks OpenAI's protocol.
  const provider = known ?? (found === undefined ? (server_name ?? "openai") : (wellKnown[found] ?? found));
  return { "gen_ai.provider.name": provider, "gen_ai.request.model": model, ...place };
}

function readPlace(base_url: string): Pick<ServedModel, "server.address" | "server.port"> {
  const url = URL.parse(readAddress(base_url).base_url);
  if (url === null) return {};
  return { "server.address": url.hostname, "server.port": Number(url.port) || (url.protocol === "http:" ? 80 : 443) };
}
