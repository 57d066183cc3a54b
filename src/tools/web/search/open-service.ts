// Makes a `SearchService` of what is particular to one: how it is asked, and how its answer reads.
import type { SearchServiceName, SearchServiceSetting } from "../../../config/search.ts";
import { exchange, type Refusal, reasonOfStatus } from "./exchange.ts";
import { type ModelUse, payFor } from "./model-use.ts";
import type {
  FoundPage,
  SearchFailure,
  SearchFailureReason,
  SearchOutcome,
  SearchRequest,
  SearchService,
} from "./search-service.ts";

/** An answer that was read and is no refusal by its status. A service may still refuse in its body. */
type ReadAnswer = FoundPage[] | SearchFailureReason;

/** `base_url` replaces the service's own address. */
export type SearchAccess = Pick<SearchServiceSetting, "access" | "base_url" | "model" | "full_name">;

export interface ServiceDefinition {
  name: SearchServiceName;
  /** Of a slow service. */
  limit_ms?: number;
  /** Of a service that asks a model. */
  asksModel?: ModelUse;
  /** `most`: the longest reply of a model that a cap allows; null without one. */
  write(request: SearchRequest, at: SearchAccess, now: number, most: number | null): { url: string; init: RequestInit };
  read(body: unknown, now: number): ReadAnswer;
  /** Where the status says less than the body. Null: as the status says. */
  readRefusal?(refusal: Refusal): Partial<SearchFailure> | null;
}

export function openService(definition: ServiceDefinition, at: SearchAccess): SearchService {
  const { name, limit_ms: own_limit_ms, asksModel, write, read, readRefusal } = definition;
  return {
    name,
    ...(own_limit_ms === undefined ? {} : { limit_ms: own_limit_ms }),
    ...(asksModel === undefined ? {} : { asks_model: true }),
    search: async (request, { now, limit_ms, spending, signal }) => {
      const ask = (most: number | null) => {
        const { url, init } = write(request, at, now, most);
        return exchange(url, init, limit_ms, signal);
      };
      const outcome = asksModel
        ? await payFor(ask, asksModel, at.full_name ?? "", { spending, signal })
        : await ask(null);
      if (outcome.kind === "failed") return fail(outcome.reason, outcome.status);
      if (outcome.kind === "refused") {
        const { status, retry_after_ms } = outcome.refusal;
        const known = { reason: reasonOfStatus(status), status, retry_after_ms };
        return { ok: false, failure: { ...known, ...readRefusal?.(outcome.refusal) } };
      }
      const pages = read(outcome.body, now);
      return typeof pages === "string" ? fail(pages, outcome.status) : { ok: true, pages };
    },
  };
}

function fail(reason: SearchFailureReason, status: number | null): SearchOutcome {
  return { ok: false, failure: { reason, status, retry_after_ms: null } };
}
