// Chooses the profile of a server and model before anything was learned of them.
import { findFamily } from "./families.ts";
import { type Profile, plainProfile } from "./profile.ts";
import { findServer } from "./servers.ts";

/** `server` is the setting MODEL_PROFILE; null derives the server from the address and the model's name. */
export function chooseProfile(server: string | null, base_url: string, model: string): Profile {
  const family = findFamily(model);
  const found = findServer(server, base_url, model);
  return { ...plainProfile, ...family?.change, ...found?.change, ...found?.changeFor?.(family?.name ?? "") };
}
