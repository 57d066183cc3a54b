// The contract suite for Daytona on the server of `dev/daytona`, as 0.190. `npm run contract` runs it on a real one.
import { openDouble } from "../contract/sandbox/places.ts";
import { describeDaytona } from "../contract/sandbox/suite.ts";

describeDaytona("the double of Daytona 0.190", "double", () => openDouble("0.190"), "0.190");
