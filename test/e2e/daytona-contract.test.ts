// The contract suite for Daytona: always on the server of `dev/daytona`; on a real Daytona where DAYTONA_API_KEY is set
// (DAYTONA_API_URL, DAYTONA_TARGET); on a daemon's toolbox alone where DAYTONA_TOOLBOX_URL is set (docs/sandboxes.md).
import { openDaytona, openDouble, openToolbox } from "../contract/sandbox/places.ts";
import { describeDaytona } from "../contract/sandbox/suite.ts";

const { DAYTONA_API_KEY: key, DAYTONA_TOOLBOX_URL: toolbox } = process.env;

describeDaytona("the double of Daytona", "double", openDouble);
if (key) describeDaytona("a real Daytona", "daytona", () => openDaytona(key));
if (toolbox) describeDaytona("a toolbox alone", "toolbox", () => openToolbox(toolbox));
