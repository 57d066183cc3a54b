// What the bundle takes for what Daytona's SDK knows of the place that it runs in ([alias] in wrangler.toml): a Worker,
// which has no files and no modules to load at run time.
import { version } from "../../../node_modules/@daytonaio/sdk/package.json";

export const Runtime = { BROWSER: "browser", SERVERLESS: "serverless" };

export const RUNTIME = Runtime.SERVERLESS;

const read = (name: string): string | undefined => process.env[name];

/** Reads no `.env`. */
export class DaytonaEnvReader {
  get = read;
  getFromProcessEnv = read;
}

export const endpointNamedInProcessEnv = (): boolean => false;

export const findDotenvFileDefiningEndpoint = (): undefined => undefined;

export function warnIfDotenvApiUrlIgnored(): void {}

export const getPackageInfo = (): object => ({ name: "@daytona/sdk", version });

function leftOut(name: string, prefix = ""): never {
  throw new Error(`${prefix}The bundle's Daytona SDK has no ${name} (scripts/bundle/daytona/runtime.ts).`);
}

export { leftOut as dynamicImport, leftOut as dynamicRequire };
