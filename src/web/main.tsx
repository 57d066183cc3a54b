// The web app. It talks to the server through the public API only.
import "./style/tokens.css";
import "./style/base.css";
import { StrictMode } from "react";
import { createRoot } from "react-dom/client";
import { App } from "./app/app.tsx";
import { prepareDialogs } from "./parts/dialog.tsx";
import { refuseDrops } from "./state/drops.ts";
import { followAddress } from "./state/place.ts";
import { applyPreferences } from "./state/preferences.ts";
import { readRefusal } from "./state/refusal.ts";
import { bringKey, openSignIn } from "./state/sign-in.ts";

applyPreferences();
readRefusal();
openSignIn();
followAddress(bringKey);
refuseDrops();
window.addEventListener("load", prepareDialogs, { once: true });
createRoot(document.getElementById("app") ?? document.body).render(
  <StrictMode>
    <App />
  </StrictMode>,
);
