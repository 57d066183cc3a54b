// The version that `/healthz` and `/openapi.json` tell; a test holds it against package.json.
export const VERSION = "0.1.0";
