// All services by name. A new one is one file and one line here, and its setting.
import type { SearchServiceName, SearchSettings } from "../../../config/search.ts";
import { bocha } from "./bocha.ts";
import { brave } from "./brave.ts";
import { exa } from "./exa.ts";
import { model } from "./model.ts";
import { openService, type ServiceDefinition } from "./open-service.ts";
import type { SearchService } from "./search-service.ts";
import { searxng } from "./searxng.ts";
import { serper } from "./serper.ts";
import { tavily } from "./tavily.ts";

export const definitions: Record<SearchServiceName, ServiceDefinition> = {
  ...{ tavily, brave, exa, serper, searxng, bocha, model },
};

/** In the order in which they are asked. */
export function openServices({ services }: SearchSettings): SearchService[] {
  return services.map(({ name, ...at }) => openService(definitions[name], at));
}
