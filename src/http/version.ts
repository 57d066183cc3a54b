// The version that `/healthz` and `/openapi.json` report. A test compares it with package.json.
export const VERSION = "0.2.0";
