// The webhooks of an account. A delivery of a disabled user waits: the statement that claims one asks whether its user may
// act.
import type { AccountPart } from "../../accounts/part.ts";
import { deleteAccountRows, deleteAccountSecrets } from "../../store/people/account-rows.ts";

export const webhooksPart: AccountPart = {
  name: "webhooks",
  async remove({ env, user_id }) {
    await deleteAccountSecrets(env.DB, user_id, "webhook");
    return await deleteAccountRows(env.DB, user_id, ["webhooks", "deliveries"]);
  },
};
