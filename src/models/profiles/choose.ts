// Chooses the profile of a server and model before anything was learned of them.
import { findFamily } from "./families.ts";
import { type Profile, type ProfileChange, plainProfile } from "./profile.ts";
import { findServer, findServerBehind, type Server } from "./servers.ts";

/** `name` is the setting MODEL_PROFILE; null derives the server from the address and the model's name. */
export function chooseProfile(name: string | null, base_url: string, model: string): Profile {
  const found = findServer(name, base_url, model);
  const behind = found?.change.opens_gateway ? findServerBehind(base_url, model) : null;
  const family = findFamily(model) ?? findFamily((behind ?? found)?.example ?? "");
  const changeOf = (server: Server | null): ProfileChange => ({
    ...server?.change,
    ...server?.changeFor?.(family?.name ?? ""),
  });
  return { ...plainProfile, ...family?.change, ...changeOf(behind), ...changeOf(found) };
}
