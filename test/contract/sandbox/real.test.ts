// The contract suite for Daytona on what `npm run contract` names: a Daytona, or a daemon's toolbox alone.
import { openDaytona, openToolbox } from "./places.ts";
import { describeDaytona } from "./suite.ts";

const { DAYTONA_API_KEY: key, DAYTONA_API_URL: url, DAYTONA_TOOLBOX_URL: toolbox } = process.env;

if (toolbox) describeDaytona("a toolbox alone", "toolbox", () => openToolbox(toolbox));
else if (key && url) describeDaytona("a Daytona", "daytona", () => openDaytona(key, url));
