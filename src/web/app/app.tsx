// Who is signed in sees the product, who is not is asked for a key.
import { useMemo, useState } from "react";
import { Api } from "../client/api.ts";
import { Guard } from "../parts/guard.tsx";
import { chosenAgent } from "../state/chosen-agent.ts";
import { chosenProject } from "../state/chosen-project.ts";
import { forgetTyped } from "../state/drafts.ts";
import { forgetKey, signedIn } from "../state/place.ts";
import { useStore } from "../state/store.ts";
import { ThreadList } from "../state/thread-list.ts";
import { AppContext } from "./context.ts";
import { Home } from "./home.tsx";
import { SignIn } from "./sign-in.tsx";

export function App() {
  const key = useStore(signedIn);
  const [isRefused, setRefused] = useState(false);
  const app = useMemo(() => {
    if (key === null) return null;
    const api = new Api("", key);
    const leave = (refused: boolean): void => {
      setRefused(refused);
      // They are this person's.
      chosenAgent.set(null);
      chosenProject.set(null);
      forgetKey();
    };
    const signOut = (): void => {
      forgetTyped();
      leave(false);
    };
    const onUnauthorized = (): void => leave(true);
    return { api, threads: new ThreadList(api, onUnauthorized), onUnauthorized, signOut };
  }, [key]);
  if (app === null) return <SignIn isRefused={isRefused} />;
  return (
    <AppContext key={key} value={app}>
      <Guard>
        <Home />
      </Guard>
    </AppContext>
  );
}
