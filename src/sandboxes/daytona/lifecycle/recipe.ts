// What a project's sandbox is made of, in Daytona's words; and in what a living one differs from it.
import {
  type CreateSandboxFromImageParams,
  type CreateSandboxFromSnapshotParams,
  Image,
  type Sandbox as SdkSandbox,
} from "@daytonaio/sdk";
import type { SandboxSettings } from "../../../protocol/project.ts";

/** What is left out is Daytona's to choose. */
export type Recipe = Omit<SandboxSettings, "target">;

export interface Resources {
  cpu?: number;
  memory?: number;
  disk?: number;
}

export interface NetworkRules {
  networkBlockAll: boolean;
  networkAllowList: string;
  domainAllowList: string;
}

/** Longer than Daytona's 15, which a person who reads what was made would outlast: only requests count as activity. */
export const USUAL_AUTO_STOP_MINUTES = 30;

/** What Daytona makes of an archive interval of 0. */
const LONGEST_AUTO_ARCHIVE_MINUTES = 30 * 24 * 60;

export type Creation = CreateSandboxFromImageParams | CreateSandboxFromSnapshotParams;

/** Daytona refuses resources beside a snapshot, its own default one included: these are given afterwards (`findChanges`). */
export function describeCreation(recipe: Recipe): Creation {
  const { env, auto_stop_minutes, auto_archive_minutes, network } = recipe;
  const { networkBlockAll, networkAllowList, domainAllowList } = describeNetwork(network ?? {});
  const common = {
    ...(env ? { envVars: env } : {}),
    autoStopInterval: auto_stop_minutes ?? USUAL_AUTO_STOP_MINUTES,
    ...(auto_archive_minutes === undefined ? {} : { autoArchiveInterval: auto_archive_minutes }),
    ...(networkBlockAll ? { networkBlockAll } : {}),
    ...(networkAllowList ? { networkAllowList } : {}),
    ...(domainAllowList ? { domainAllowList } : {}),
  };
  const image = recipe.dockerfile === undefined ? recipe.image : writeImage(recipe.dockerfile);
  if (image !== undefined) return { ...common, image, resources: resourcesOf(recipe) };
  return { ...common, ...(recipe.snapshot ? { snapshot: recipe.snapshot } : {}) };
}

/** The SDK reads a Dockerfile from a file only. */
function writeImage(dockerfile: string): Image {
  return Object.create(Image.base("scratch"), { dockerfile: { value: dockerfile } });
}

export function isBuilt({ image, dockerfile }: Recipe): boolean {
  return image !== undefined || dockerfile !== undefined;
}

/** Whether what is being built of a sandbox is no longer what its project asks for. */
export function isOfFormerRecipe(recipe: Recipe, { buildInfo }: Pick<SdkSandbox, "buildInfo">): boolean {
  const built = buildInfo?.dockerfileContent?.trim();
  const asked = recipe.dockerfile ?? (recipe.image === undefined ? "" : `FROM ${recipe.image}`);
  return built !== undefined && built !== "" && built !== asked.trim();
}

function resourcesOf({ cpu, memory, disk }: Recipe): Resources {
  return Object.fromEntries(Object.entries({ cpu, memory, disk }).filter(([, value]) => value !== undefined));
}

function describeNetwork({ block_all, allow = [] }: NonNullable<Recipe["network"]>): NetworkRules {
  const isNetwork = (text: string) => /^\d+\.\d+\.\d+\.\d+/.test(text);
  const networks = allow.filter(isNetwork).map((text) => (text.includes("/") ? text : `${text}/32`));
  return {
    networkBlockAll: block_all ?? false,
    networkAllowList: networks.join(","),
    domainAllowList: allow.filter((text) => !isNetwork(text)).join(","),
  };
}

/** What a sandbox shows of itself. */
export type Shown = Pick<SdkSandbox, "cpu" | "memory" | "disk"> &
  Partial<
    Pick<
      SdkSandbox,
      "autoStopInterval" | "autoArchiveInterval" | "networkBlockAll" | "networkAllowList" | "domainAllowList"
    >
  >;

export interface Changes {
  auto_stop_minutes?: number;
  auto_archive_minutes?: number;
  network?: NetworkRules;
  /** What a running sandbox can be given. */
  growth?: Resources;
  /** All of it, where a part can only be given to a stopped one: less of something, or a larger disk. A disk never shrinks. */
  rebuild?: Resources;
}

/** What the project asks for and the sandbox does not have. What the project leaves open stays as it is. */
export function findChanges(recipe: Recipe, shown: Shown): Changes {
  const { auto_stop_minutes, auto_archive_minutes, network, cpu, memory, disk } = recipe;
  const changes: Changes = {};
  if (auto_stop_minutes !== undefined && auto_stop_minutes !== shown.autoStopInterval) {
    changes.auto_stop_minutes = auto_stop_minutes;
  }
  const archive = (minutes: number | undefined) => minutes || LONGEST_AUTO_ARCHIVE_MINUTES;
  if (auto_archive_minutes !== undefined && archive(auto_archive_minutes) !== archive(shown.autoArchiveInterval)) {
    changes.auto_archive_minutes = auto_archive_minutes;
  }
  if (network !== undefined) {
    const rules = describeNetwork(network);
    const isSame =
      rules.networkBlockAll === (shown.networkBlockAll ?? false) &&
      sortList(rules.networkAllowList) === sortList(shown.networkAllowList) &&
      sortList(rules.domainAllowList) === sortList(shown.domainAllowList);
    if (!isSame) changes.network = rules;
  }
  const wanted: Resources = {};
  if (cpu !== undefined && cpu !== shown.cpu) wanted.cpu = cpu;
  if (memory !== undefined && memory !== shown.memory) wanted.memory = memory;
  const isSmaller = (wanted.cpu ?? shown.cpu) < shown.cpu || (wanted.memory ?? shown.memory) < shown.memory;
  if (disk !== undefined && disk > shown.disk) wanted.disk = disk;
  if (isSmaller || wanted.disk !== undefined) changes.rebuild = wanted;
  const { disk: _, ...growth } = wanted;
  if (!isSmaller && Object.keys(growth).length > 0) changes.growth = growth;
  return changes;
}

function sortList(list: string | undefined): string {
  const items = (list ?? "").split(",").map((item) => item.trim());
  return items
    .filter((item) => item !== "")
    .sort()
    .join(",");
}
