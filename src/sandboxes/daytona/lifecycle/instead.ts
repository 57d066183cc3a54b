// What to build where a Daytona can't resize: a snapshot's size is its own, and a build may have any.
import { readFailure } from "../client/failure.ts";
import type { SdkClient, SdkSandbox } from "../client/sdk.ts";
import { isBuilt, type Recipe, type Resources } from "./recipe.ts";

/** The recipe of the same content as the sandbox's snapshot; null if it is unknown what that is made of. */
export async function findInstead(
  recipe: Recipe,
  { snapshot: name }: SdkSandbox,
  ports: { client: SdkClient; control<Value>(request: () => Promise<Value>): Promise<Value> },
): Promise<Recipe | null> {
  if (isBuilt(recipe) || !name) return null;
  try {
    const { imageName, sourceSandboxId } = await ports.control(async () => (await ports.client()).snapshot.get(name));
    // A snapshot of a sandbox has its files, which no image has.
    if (!imageName || sourceSandboxId) return null;
    const { snapshot: _, ...rest } = recipe;
    return { ...rest, image: imageName };
  } catch (error) {
    if (readFailure(error).status === 404) return null;
    throw error;
  }
}

/** Said where the sandbox stays as it is, since another one would not have its files. */
export function describeUnresized(wanted: Resources, { cpu, memory, disk }: SdkSandbox): string {
  const names = Object.keys(wanted) as (keyof Resources)[];
  const spell = (sizes: Resources) => names.map((name) => `${name}=${sizes[name]}`).join(", ");
  return (
    `The sandbox is ready, with ${spell({ cpu, memory, disk })} and not ${spell(wanted)}: this Daytona can't resize ` +
    "sandboxes. For the new size, push or download what you need and delete the sandbox."
  );
}
