// What an account has of leases and budgets. After its threads, which give their leases back as they go.
import type { AccountPart } from "../../accounts/part.ts";
import { deleteAccountBudgets } from "../../store/budgets/account.ts";

export const budgetsPart: AccountPart = {
  name: "budgets",
  remove: ({ env, user_id }) => deleteAccountBudgets(env.DB, user_id),
};
