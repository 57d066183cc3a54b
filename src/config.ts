// Settings: parses `Env` once into plain values (docs/settings.md). Nothing else reads vars and secrets.
import { z } from "zod";
import { type CapSettings, readCapSettings } from "./config/caps.ts";
import { type FetchSettings, readFetchSettings } from "./config/fetch.ts";
import { type OperatorLimits, readOperatorLimits } from "./config/limits.ts";
import { type ModelSettings, readModelSettings } from "./config/models.ts";
import { type PlaceSettings, readPlaceSettings } from "./config/place.ts";
import { type QuotaSettings, readQuotaSettings } from "./config/quotas.ts";
import { type RetentionSettings, readRetentionSettings } from "./config/retention.ts";
import { readSandboxLimits, type SandboxLimits } from "./config/sandbox-limits.ts";
import { readSearchSettings, type SearchSettings } from "./config/search.ts";
import { readSignInSettings, type SignInReading } from "./config/sign-in.ts";
import { readTimeSettings, type TimeSettings } from "./config/times.ts";
import { readTraceSettings, type TraceReading } from "./config/traces.ts";
import type { ThreadApi } from "./protocol/thread.ts";

/** The bindings of wrangler.toml, and the vars and secrets of a deployment. */
export interface Env {
  ASSETS: Fetcher;
  DB: D1Database;
  JOBS: Queue<unknown>;
  /** The queue of dead letters, to see how many there are. */
  DEAD_JOBS?: Queue<unknown>;
  THREADS: DurableObjectNamespace<ThreadApi & Rpc.DurableObjectBranded>;
  /**
   * Rate limits of one webhook trigger: for its verified sender, and for refused deliveries. A missing binding means no
   * limit.
   */
  DELIVERY_LIMIT?: RateLimit;
  REFUSAL_LIMIT?: RateLimit;
  /**
   * Reaches public addresses only, whatever a name leads to. Where it is missing, `fetch` is used: on Cloudflare that
   * reaches no private network either.
   */
  PUBLIC_NETWORK?: Fetcher;
  /** When this version of the Worker and its settings was made. */
  VERSION?: WorkerVersionMetadata;
  /** Counts what many isolates let a user do. Without it, each isolate counts alone. */
  USER_LIMIT?: RateLimit;
  OPENAI_API_KEY?: string;
  OPENAI_BASE_URL?: string;
  OPENAI_MODEL?: string;
  OPENAI_MODELS?: string;
  MODELS_ALLOWED?: string;
  MODEL_SERVERS?: string;
  MODEL_PROFILE?: string;
  MODEL_API?: string;
  MODEL_HEADERS?: string;
  MODEL_EXTRA_BODY?: string;
  MODEL_PRICES?: string;
  AI_GATEWAY_TOKEN?: string;
  MODEL_FIRST_BYTE_SECONDS?: string;
  MODEL_IDLE_SECONDS?: string;
  INTERRUPT_HOURS?: string;
  SCHEDULE_MINUTES?: string;
  SESSION_HOURS?: string;
  AUDIT_DAYS?: string;
  RETENTION_DAYS?: string;
  DATABASE_LIMIT_MB?: string;
  MODEL_CONTEXT_TOKENS?: string;
  DEPLOYMENT_DAY_CAPS?: string;
  DEPLOYMENT_MONTH_CAPS?: string;
  USER_DAY_CAPS?: string;
  USER_MONTH_CAPS?: string;
  DAYTONA_API_KEY?: string;
  DAYTONA_API_URL?: string;
  DAYTONA_TARGET?: string;
  DAYTONA_SNAPSHOT?: string;
  ADMIN_API_KEY?: string;
  ADMIN_KEY_ONLY_ADMIN?: string;
  ENCRYPTION_KEY?: string;
  JURISDICTION?: string;
  LOCATION_HINT?: string;
  PREVIEW_DOMAIN?: string;
  ALLOW_PRIVATE_URLS?: string;
  IMAGE_URLS?: string;
  TAVILY_API_KEY?: string;
  BRAVE_API_KEY?: string;
  EXA_API_KEY?: string;
  SERPER_API_KEY?: string;
  SEARXNG_URL?: string;
  BOCHA_API_KEY?: string;
  SEARCH_MODEL?: string;
  SEARCH_ORDER?: string;
  WEB_PRIVATE_ORIGINS?: string;
  WEB_DOMAINS_ALLOW?: string;
  WEB_DOMAINS_DENY?: string;
  FETCH_URL?: string;
  FETCH_URL_ADDRESSES?: string;
  FETCH_ROBOTS?: string;
  FETCH_CONTACT?: string;
  MAX_STEPS?: string;
  ALWAYS_APPROVE?: string;
  SANDBOX_LIMITS?: string;
  QUOTAS?: string;
  CORS_ORIGINS?: string;
  STAND_INS?: string;
  DEAD_QUEUE?: string;
  SLACK_APP_ID?: string;
  SLACK_SIGNING_SECRET?: string;
  SLACK_CLIENT_ID?: string;
  SLACK_CLIENT_SECRET?: string;
  SLACK_API_URL?: string;
  SLACK_AUTHORIZE_URL?: string;
  OIDC_ISSUER?: string;
  OIDC_CLIENT_ID?: string;
  OIDC_CLIENT_SECRET?: string;
  OIDC_NAME?: string;
  OIDC_SCOPES?: string;
  OIDC_ALLOWED_DOMAINS?: string;
  OIDC_TRUST_EMAIL?: string;
  OTEL_EXPORTER_OTLP_ENDPOINT?: string;
  OTEL_EXPORTER_OTLP_HEADERS?: string;
  OTEL_SERVICE_NAME?: string;
  OTEL_RESOURCE_ATTRIBUTES?: string;
  OTEL_TRACES_SAMPLER_ARG?: string;
  OTEL_INSTRUMENTATION_GENAI_CAPTURE_MESSAGE_CONTENT?: string;
}

/** `quotas`: what users may have and do, where the usual numbers don't hold. */
export interface Config
  extends Pick<QuotaSettings, "quotas">,
    TimeSettings,
    PlaceSettings,
    TraceReading,
    RetentionSettings {
  /** What is wrong with QUOTAS. */
  quota_problem: string | null;
  models: ModelSettings;
  caps: CapSettings;
  limits: OperatorLimits;
  search: SearchSettings;
  fetch: FetchSettings;
  daytona: { api_key: string; api_url: string; target: string | null; snapshot: string | null } | null;
  admin_api_key: string | null;
  /** Whether the admin key never acts for the first user. */
  admin_key_only_admin: boolean;
  /** The first key encrypts, all of them decrypt. */
  encryption_keys: string[];
  /** `host` or `host:port` in lower case; each preview gets a name under it. */
  preview_domain: string | null;
  /** Whether addresses may be loopback, link-local or private. */
  private_urls_allowed: boolean;
  /** Which addresses of images a model may receive. */
  image_urls: ImageUrls;
  /** The most that one sandbox may request. */
  sandbox_limits: SandboxLimits;
  cors_origins: string[];
  /** The stand-ins in use, `model`, `sandbox` and `search`, so that the page can show them. */
  stand_ins: string[];
  /** Null if Slack is not set up. */
  slack: SlackSettings | null;
  sign_in: SignInReading;
}

/** `public`: images on public hosts and `data:` URLs; `data`: `data:` URLs only. */
const imageUrls = ["public", "data"] as const;
export type ImageUrls = (typeof imageUrls)[number];

export interface SlackSettings {
  signing_secret: string;
  /** Slack's id of the app; null if it is not set. Then no workspace is connected with a bot token. */
  app_id: string | null;
  /** Installs the app with OAuth; null means that workspaces are connected with a bot token only. */
  client: { id: string; secret: string } | null;
  /** With a trailing slash. */
  api_url: string;
  authorize_url: string;
}

const text = z.string().trim().optional().catch(undefined);
const list = text.transform((value) =>
  (value ?? "")
    .split(",")
    .map((item) => item.trim())
    .filter((item) => item !== ""),
);

const settings = z.object({
  DAYTONA_API_KEY: text,
  DAYTONA_API_URL: text,
  DAYTONA_TARGET: text,
  DAYTONA_SNAPSHOT: text,
  ADMIN_API_KEY: text,
  ADMIN_KEY_ONLY_ADMIN: text,
  ENCRYPTION_KEY: list,
  PREVIEW_DOMAIN: text,
  ALLOW_PRIVATE_URLS: text,
  CORS_ORIGINS: list,
  STAND_INS: list,
  SLACK_APP_ID: text,
  SLACK_SIGNING_SECRET: text,
  SLACK_CLIENT_ID: text,
  SLACK_CLIENT_SECRET: text,
  SLACK_API_URL: text,
  SLACK_AUTHORIZE_URL: text,
});

export function readConfig(env: Env): Config {
  const values = settings.parse(env);
  const models = readModelSettings(env);
  const caps = readCapSettings(env);
  const operator = readOperatorLimits(env);
  const { quotas, problem: quota_problem } = readQuotaSettings(env);
  return {
    quotas,
    quota_problem,
    // Runs fail with what is wrong, whichever of them it is: none works without a limit that was meant.
    models: { ...models, problem: models.problem ?? operator.problem ?? caps.problem },
    limits: operator,
    caps,
    search: readSearchSettings(env),
    fetch: readFetchSettings(env),
    daytona: values.DAYTONA_API_KEY
      ? {
          api_key: values.DAYTONA_API_KEY,
          api_url: values.DAYTONA_API_URL || "https://app.daytona.io/api",
          target: values.DAYTONA_TARGET || null,
          snapshot: values.DAYTONA_SNAPSHOT || null,
        }
      : null,
    ...readTimeSettings(env),
    ...readPlaceSettings(env),
    ...readTraceSettings(env),
    ...readRetentionSettings(env),
    admin_api_key: values.ADMIN_API_KEY || null,
    admin_key_only_admin: values.ADMIN_KEY_ONLY_ADMIN === "1",
    encryption_keys: values.ENCRYPTION_KEY,
    preview_domain: values.PREVIEW_DOMAIN?.toLowerCase() || null,
    private_urls_allowed: values.ALLOW_PRIVATE_URLS === "1",
    image_urls: readImageUrls(env.IMAGE_URLS),
    sandbox_limits: readSandboxLimits(env),
    cors_origins: values.CORS_ORIGINS,
    stand_ins: values.STAND_INS,
    slack: readSlack(values),
    sign_in: readSignInSettings(env),
  };
}

/**
 * Other settings fall back to a default. This one fails, since a misspelt value would permit what it was meant to
 * forbid.
 */
function readImageUrls(value: unknown): ImageUrls {
  const given = typeof value === "string" ? value.trim() : (value ?? "");
  const found = given === "" ? "public" : imageUrls.find((word) => word === given);
  if (found === undefined) throw new Error('IMAGE_URLS must be "public" or "data"');
  return found;
}

function readSlack(values: z.infer<typeof settings>): SlackSettings | null {
  const { SLACK_SIGNING_SECRET: signing_secret, SLACK_CLIENT_ID: id, SLACK_CLIENT_SECRET: secret } = values;
  if (!signing_secret) return null;
  return {
    signing_secret,
    app_id: values.SLACK_APP_ID || null,
    client: id && secret ? { id, secret } : null,
    api_url: (values.SLACK_API_URL || "https://slack.com/api/").replace(/(?<!\/)\/*$/, "/"),
    authorize_url: values.SLACK_AUTHORIZE_URL || "https://slack.com/oauth/v2/authorize",
  };
}

const configs = new WeakMap<Env, Config>();

/** Settings don't change during an isolate's lifetime, so they are parsed once. */
export function configOf(env: Env): Config {
  const config = configs.get(env) ?? readConfig(env);
  configs.set(env, config);
  return config;
}
