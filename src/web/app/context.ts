// What every component of the signed-in page needs: the API, the thread, the words.
import { createContext, useContext } from "react";
import type { Api } from "../client/api.ts";
import type { Account } from "../state/account.ts";
import type { ThreadList } from "../state/thread-list.ts";

export interface AppValue {
  api: Api;
  threads: ThreadList;
  account: Account;
  onUnauthorized(): void;
}

export const AppContext = createContext<AppValue | null>(null);

export function useApp(): AppValue {
  const app = useContext(AppContext);
  if (app === null) throw new Error("nobody is signed in");
  return app;
}
