// The contract suite for Daytona on the server of `dev/daytona`, with what the SDK knows and 0.190 lacks.
import { openDouble } from "../contract/sandbox/places.ts";
import { describeDaytona } from "../contract/sandbox/suite.ts";

describeDaytona("the double with what the SDK knows", "double", () => openDouble("0.218"), "0.218");
