// Chooses the profile of a server and model before anything was learned of them.
import { putNewest } from "../../lib/memory/newest.ts";
import { findFamily } from "./families.ts";
import { type Api, type Profile, type ProfileChange, plainProfile } from "./profile.ts";
import { findServer, findServerBehind, type Server } from "./servers.ts";

/** Each call of a model asks for it, and it depends on settings and a name only. */
const chosen = new Map<string, Profile>();
/** More than a deployment has in use; people may name any model. */
const MAX_CHOSEN = 200;

/** `name` is the setting MODEL_PROFILE; null derives the server from the address and the model's name. */
export function chooseProfile(name: string | null, base_url: string, model: string): Profile {
  const key = `${name} ${base_url} ${model}`;
  const known = chosen.get(key);
  if (known !== undefined) return known;
  const profile = findProfile(name, base_url, model);
  putNewest(chosen, key, profile, MAX_CHOSEN);
  return profile;
}

function findProfile(name: string | null, base_url: string, model: string): Profile {
  const found = findServer(name, base_url, model);
  const behind = found?.change.opens_gateway ? findServerBehind(base_url, model) : null;
  const family = findFamily(model) ?? findFamily((behind ?? found)?.example ?? "");
  const changeOf = (server: Server | null): ProfileChange => ({
    ...server?.change,
    ...server?.changeFor?.(family?.name ?? ""),
  });
  const api = chooseApi(found, behind, base_url, model);
  return { ...plainProfile, ...family?.change, ...changeOf(behind), ...changeOf(found), api };
}

/** By the model's own name: one that says nothing may be of a model that the Responses API doesn't have. */
function chooseApi(found: Server | null, behind: Server | null, base_url: string, model: string): Api {
  const path = URL.canParse(base_url) ? new URL(base_url).pathname : "";
  // Azure's older addresses end in a deployment, and its Responses API is not below them. The gateway's address for all
  // providers has chat completions.
  if (/\/deployments\/|\/compat$|\/azure-openai\//.test(path)) return "chat";
  const has = (behind ?? found)?.responses;
  const wants = findFamily(model)?.responses;
  return wants !== undefined && (has === "better" || (has === "needed" && wants === "needed")) ? "responses" : "chat";
}
