// What the bundle takes for what Daytona's SDK has around each of its methods ([alias] in wrangler.toml): spans and
// measurements, which go nowhere where nobody has registered a provider (`telemetry.ts`). The method stays asynchronous.

type Method = (this: unknown, ...parameters: unknown[]) => unknown;

export function WithInstrumentation(): (method: Method) => Method {
  return (method) =>
    async function (...parameters) {
      return method.apply(this, parameters);
    };
}
