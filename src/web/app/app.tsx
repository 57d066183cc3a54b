// Shows the product to a signed-in user, the key form to anyone else, and a wait while the server checks a key.
import { lazy, Suspense, useEffect, useMemo } from "react";
import { Api, ApiError } from "../client/api.ts";
import { ErrorBoundary } from "../parts/error-boundary.tsx";
import { offer, refuseKey, signIn } from "../state/sign-in.ts";
import { useStore } from "../state/store.ts";
import { ThreadList } from "../state/thread-list.ts";
import { AppContext, type AppValue } from "./context.ts";
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
  useExpiry(app);
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

/** Browsers run longer timers at once. */
const maxTimerMs = 2 ** 31 - 1;

/** Asks the server when the key should have expired: a quiet page would not notice, and the clock here may be wrong. */
function useExpiry(app: AppValue | null): void {
  useEffect(() => {
    const expires_at = app?.account.expires_at ?? null;
    if (app === null || expires_at === null) return;
    const left = Date.parse(expires_at) - Date.now();
    if (left > maxTimerMs) return;
    const ask = (): void => {
      app.api.get("/v1/users/me").catch((error: unknown) => {
        if (error instanceof ApiError && error.status === 401) app.onUnauthorized();
      });
    };
    const timer = setTimeout(ask, Math.max(0, left) + 1_000);
    return () => clearTimeout(timer);
  }, [app]);
}
