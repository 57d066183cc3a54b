// A project's settings for its sandbox (its recipe) in Daytona's terms, and how an existing sandbox differs from them.
import type { CreateSandboxFromImageParams, CreateSandboxFromSnapshotParams, Image } from "@daytonaio/sdk";
import type { SandboxSettings } from "../../../protocol/project.ts";
import { loadSdk, type SdkSandbox } from "../client/sdk.ts";

/** Daytona chooses what is left out. */
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

/** Longer than Daytona's 15: only requests count as activity, and a person may read the result for longer than that. */
export const USUAL_AUTO_STOP_MINUTES = 30;

/** Daytona treats an archive interval of 0 as this maximum. */
const MAX_AUTO_ARCHIVE_MINUTES = 30 * 24 * 60;

export type Creation = CreateSandboxFromImageParams | CreateSandboxFromSnapshotParams;

/**
 * Daytona refuses resources together with a snapshot, even its default one. They are applied after the creation
 * (`findChanges`).
 */
export async function describeCreation(recipe: Recipe, secrets: Record<string, string> = {}): Promise<Creation> {
  const { auto_stop_minutes, auto_archive_minutes, network } = recipe;
  const { networkBlockAll, networkAllowList, domainAllowList } = describeNetwork(network ?? {});
  // One name is one variable: the secret counts.
  const env = recipe.env && Object.fromEntries(Object.entries(recipe.env).filter(([name]) => !(name in secrets)));
  const common = {
    ...(env ? { envVars: env } : {}),
    ...(Object.keys(secrets).length > 0 ? { secrets } : {}),
    autoStopInterval: auto_stop_minutes ?? USUAL_AUTO_STOP_MINUTES,
    ...(auto_archive_minutes === undefined ? {} : { autoArchiveInterval: auto_archive_minutes }),
    ...(networkBlockAll ? { networkBlockAll } : {}),
    ...(networkAllowList ? { networkAllowList } : {}),
    ...(domainAllowList ? { domainAllowList } : {}),
  };
  const image = recipe.dockerfile === undefined ? recipe.image : await writeImage(recipe.dockerfile);
  if (image !== undefined) return { ...common, image, resources: resourcesOf(recipe) };
  return { ...common, ...(recipe.snapshot ? { snapshot: recipe.snapshot } : {}) };
}

/** The SDK can read a Dockerfile only from a file, so its content is set on an image directly. */
async function writeImage(dockerfile: string): Promise<Image> {
  const { Image } = await loadSdk();
  return Object.create(Image.base("scratch"), { dockerfile: { value: dockerfile } });
}

export function isBuilt({ image, dockerfile }: Recipe): boolean {
  return image !== undefined || dockerfile !== undefined;
}

/** Whether a sandbox is being built from settings that its project no longer has. */
export function isBuiltFromFormerRecipe(recipe: Recipe, { buildInfo }: Pick<SdkSandbox, "buildInfo">): boolean {
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

/** The settings that Daytona shows for a sandbox. */
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
  /** Resources that can be added to a running sandbox. */
  growth?: Resources;
  /**
   * All changed resources, if one of them needs a stopped sandbox: less of something, or a larger disk. A disk never
   * shrinks.
   */
  rebuild?: Resources;
}

/** Compares the project's settings with the sandbox. Settings that the project leaves out stay unchanged. */
export function findChanges(recipe: Recipe, shown: Shown): Changes {
  const { auto_stop_minutes, auto_archive_minutes, network, cpu, memory, disk } = recipe;
  const changes: Changes = {};
  if (auto_stop_minutes !== undefined && auto_stop_minutes !== shown.autoStopInterval) {
    changes.auto_stop_minutes = auto_stop_minutes;
  }
  const archive = (minutes: number | undefined) => minutes || MAX_AUTO_ARCHIVE_MINUTES;
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
