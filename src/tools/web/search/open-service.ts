// Makes a `SearchService` of what is particular to one: how it is asked, and how its answer reads.
import type { SearchServiceName } from "../../../config/search.ts";
import { exchange, type Refusal, reasonOfStatus } from "./exchange.ts";
import type {
  FoundPage,
  SearchFailure,
  SearchFailureReason,
  SearchOutcome,
  SearchRequest,
  SearchService,
} from "./search-service.ts";

/** An answer that was read and is no refusal by its status. A service may still refuse in its body. */
export type ReadAnswer = FoundPage[] | SearchFailureReason;

export interface ServiceDefinition {
  name: SearchServiceName;
  /** `access` is the key, or the address of a service without one. `base_url` replaces the service's own address. */
  write(request: SearchRequest, access: string, now: number, base_url?: string): { url: string; init: RequestInit };
  read(body: unknown, now: number): ReadAnswer;
  /** Where the status says less than the body. Null: as the status says. */
  readRefusal?(refusal: Refusal): Partial<SearchFailure> | null;
}

export function openService(definition: ServiceDefinition, access: string, base_url?: string): SearchService {
  const { name, write, read, readRefusal } = definition;
  return {
    name,
    search: async (request, { now, limit_ms, signal }) => {
      const { url, init } = write(request, access, now, base_url);
      const outcome = await exchange(url, init, limit_ms, signal);
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
