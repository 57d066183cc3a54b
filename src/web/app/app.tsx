// Shows the product to a signed-in user, the sign-in to anyone else, and a wait while the server checks a key.
import { lazy, Suspense, useEffect, useMemo } from "react";
import { Api } from "../client/api.ts";
import { ErrorBoundary } from "../parts/error-boundary.tsx";
import type { Account } from "../state/account.ts";
import { isSession, sessionIdOf } from "../state/key-id.ts";
import { offer, readAccountAgain, refuseKey, signIn, signOutProblem } from "../state/sign-in.ts";
import { useStore } from "../state/store.ts";
import { ThreadList } from "../state/thread-list.ts";
import { AppContext, type AppValue } from "./context.ts";
import { Home } from "./home.tsx";
import { Arriving, SignIn } from "./sign-in.tsx";

const StillIn = lazy(() => import("./still-in.tsx").then(({ StillIn }) => ({ default: StillIn })));
const KeyOffer = lazy(() => import("./key-offer.tsx").then(({ KeyOffer }) => ({ default: KeyOffer })));

export function App() {
  const now = useStore(signIn);
  const offered = useStore(offer);
  const stuck = useStore(signOutProblem);
  const [key, account, since] = now.phase === "in" ? [now.key, now.account, now.since] : [null, null, null];
  // What works with the key continues while the account is only read again.
  const client = useMemo(() => {
    if (key === null) return null;
    const isInUse = (): boolean => {
      const latest = signIn.get();
      return latest.phase === "in" && latest.since === since;
    };
    const api = new Api("", isSession(key) ? "" : key, isInUse, sessionIdOf(key));
    const onUnauthorized = (): void => refuseKey(key);
    return { api, threads: new ThreadList(api, onUnauthorized), onUnauthorized };
  }, [key, since]);
  const app: AppValue | null = useMemo(() => client && account && { ...client, account }, [client, account]);
  useExpiry(account);
  if (now.phase === "out") return <SignIn refused={now.refused} />;
  if (now.phase !== "in" || app === null)
    return <Arriving problem={now.phase === "unclear" ? (stuck ?? now.problem) : null} />;
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
      {stuck !== null && (
        <Suspense fallback={null}>
          <StillIn problem={stuck} />
        </Suspense>
      )}
    </AppContext>
  );
}

/** Browsers run longer timers at once. */
const maxTimerMs = 2 ** 31 - 1;

/** Asks the server when the key should have expired: a quiet page would not notice, and the clock here may be wrong. */
function useExpiry(account: Account | null): void {
  useEffect(() => {
    if (account === null || account.expires_at === null) return;
    const left = Date.parse(account.expires_at) - Date.now();
    if (left > maxTimerMs) return;
    const timer = setTimeout(() => void readAccountAgain(), Math.max(0, left) + 1_000);
    return () => clearTimeout(timer);
  }, [account]);
}
