// Shows the product to a signed-in user, the key form to anyone else, and a wait while the server checks a key.
import { lazy, Suspense, useMemo } from "react";
import { Api } from "../client/api.ts";
import { ErrorBoundary } from "../parts/error-boundary.tsx";
import { offer, refuseKey, signIn } from "../state/sign-in.ts";
import { useStore } from "../state/store.ts";
import { ThreadList } from "../state/thread-list.ts";
import { AppContext } from "./context.ts";
import { Home } from "./home.tsx";
import { Arriving, SignIn } from "./sign-in.tsx";

const KeyOffer = lazy(() => import("./key-offer.tsx").then(({ KeyOffer }) => ({ default: KeyOffer })));

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
  if (now.phase === "out") return <SignIn refused={now.refused} />;
  if (now.phase !== "in" || app === null) return <Arriving problem={now.phase === "unclear" ? now.problem : null} />;
  return (
    <AppContext key={now.key} value={app}>
      <ErrorBoundary>
        <Home />
      </ErrorBoundary>
      {offered !== null && (
        <ErrorBoundary>
          <Suspense fallback={null}>
            <KeyOffer offered={offered} account={now.account} />
          </Suspense>
        </ErrorBoundary>
      )}
    </AppContext>
  );
}
