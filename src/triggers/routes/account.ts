// The triggers of an account. Statements that fire one ask whether its user may act; only what waits for its turn has to be
// ended.
import type { AccountPart } from "../../accounts/part.ts";
import { deleteAccountRows, deleteAccountSecrets } from "../../store/people/account-rows.ts";
import { skipWaiting } from "../../store/triggers/due-schedules.ts";

export const triggersPart: AccountPart = {
  name: "triggers",
  pause: ({ env, user_id }) => skipWaiting(env.DB, user_id, "The account was disabled."),
  async remove({ env, user_id }) {
    await deleteAccountSecrets(env.DB, user_id, "trigger");
    return await deleteAccountRows(env.DB, user_id, ["triggers", "trigger_deliveries"]);
  },
};
