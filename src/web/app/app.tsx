// Who is signed in sees the product, who is not is asked for a key, and whoever brought one waits until it is known whose it is.
import { lazy, Suspense, useMemo } from "react";
import { Api } from "../client/api.ts";
import { Guard } from "../parts/guard.tsx";
import { offer, refuseKey, signIn } from "../state/sign-in.ts";
import { useStore } from "../state/store.ts";
import { ThreadList } from "../state/thread-list.ts";
import { AppContext } from "./context.ts";
import { Home } from "./home.tsx";
import { Arriving, SignIn } from "./sign-in.tsx";

const Offered = lazy(() => import("./offered.tsx").then(({ Offered }) => ({ default: Offered })));

export function App() {
  const now = useStore(signIn);
  const offered = useStore(offer);
  const app = useMemo(() => {
    if (now.phase !== "in") return null;
    const { key, account } = now;
    const api = new Api("", key, () => signIn.get() === now);
    const onUnauthorized = (): void => refuseKey(key);
    return { api, threads: new ThreadList(api, onUnauthorized), account, onUnauthorized };
  }, [now]);
  if (now.phase === "out") return <SignIn isRefused={now.isRefused} />;
  if (now.phase !== "in" || app === null) return <Arriving problem={now.phase === "unclear" ? now.problem : null} />;
  return (
    <AppContext key={now.key} value={app}>
      <Guard>
        <Home />
      </Guard>
      {offered !== null && (
        <Guard>
          <Suspense fallback={null}>
            <Offered offered={offered} account={now.account} />
          </Suspense>
        </Guard>
      )}
    </AppContext>
  );
}
