// A user at its quotas, in a process of its own: what it costs to send and read must not delay what the test measures.
// Floods from a message of its kind until `stop`, and then says which answers it got.
import { Agent, request } from "node:http";
import { type LimitName, limits } from "../../src/protocol/money/quotas.ts";

export interface FloodSettings {
  url: string;
  /** The key of a user whose quotas are the usual ones. */
  working: string;
  /** Of one who may start no run any more. */
  refused: string;
  /** Of one who may ask for nothing any more. */
  exhausted: string;
}

/** `refused` is what the quotas refuse alone; `limits` is that and what they admit. */
export type FloodKind = "refused" | "limits";

/** By what was sent and the answer's status. */
export type Statuses = Record<string, number>;

/** Of each request that is admitted, so many are refused. */
const REFUSED_TIMES = 4;
/** A server that others keep too busy for the flood gets no more of it: what waits would only become longer. */
const MAX_UNDER_WAY = 64;
const LONG = "x".repeat(49_000);
const message = "What is D1?";

const { url, working, refused, exhausted } = JSON.parse(process.argv[2] ?? "") as FloodSettings;
const agent = new Agent({ keepAlive: true, maxSockets: Number.POSITIVE_INFINITY });

let statuses: Statuses = {};
const under = new Set<Promise<void>>();
/** Ends each stream. */
let leave: (() => void)[] = [];

interface Sent {
  what: string;
  method: string;
  path: string;
  body?: object;
}

/** Resolves once the answer is there; of a stream, once it has begun. */
function send(key: string, { what, method, path, body }: Sent): void {
  const text = body === undefined ? undefined : JSON.stringify(body);
  const headers = {
    authorization: `Bearer ${key}`,
    ...(text === undefined ? {} : { "content-type": "application/json", "content-length": Buffer.byteLength(text) }),
  };
  const asked = new Promise<void>((resolve) => {
    const sent = request(url + path, { agent, method, headers }, (answer) => {
      const name = `${what} ${answer.statusCode}`;
      statuses[name] = (statuses[name] ?? 0) + 1;
      const isStream = answer.headers["content-type"] === "text/event-stream";
      if (isStream) {
        leave.push(() => answer.destroy());
        resolve();
      }
      const settle = () => resolve();
      answer.resume().once("end", settle).once("error", settle).once("close", settle);
    });
    sent.once("error", () => resolve()).end(text);
  }).finally(() => under.delete(asked));
  under.add(asked);
}

const perSecond = (name: LimitName): number => limits[name].usual / 60;
const titles = perSecond("changes_per_minute") - perSecond("agent_versions_per_minute");
const reads = perSecond("requests_per_minute") - perSecond("changes_per_minute") - perSecond("runs_per_minute");

/** How often each is sent in a second: together as much as the quotas admit. */
const kinds: { what: string; often: number; make: (count: number) => Omit<Sent, "what"> }[] = [
  {
    ...{ what: "run", often: perSecond("runs_per_minute") },
    make: (count) => ({
      ...{ method: "POST", path: `/v1/threads/flood-${count % 20}/runs` },
      body: { message, background: count % 2 === 0 },
    }),
  },
  {
    ...{ what: "version", often: perSecond("agent_versions_per_minute") },
    make: (count) => ({
      ...{ method: "PATCH", path: "/v1/agents/flood" },
      body: { instructions: LONG + String(count) },
    }),
  },
  {
    ...{ what: "title", often: titles },
    make: (count) => ({
      ...{ method: "PATCH", path: "/v1/threads/flood-0" },
      body: { title: String(count) },
    }),
  },
  { what: "read", often: reads / 2, make: () => ({ method: "GET", path: "/v1/threads" }) },
  { what: "stream", often: reads / 2, make: () => ({ method: "GET", path: "/v1/threads/quiet/events" }) },
];

const TICK_MS = 10;
let timer: NodeJS.Timeout | undefined;
let counted = 0;

function start(kind: FloodKind): void {
  statuses = {};
  let last = performance.now();
  // Where in its second each kind begins is left to chance, or they would come together.
  const due = kinds.map(() => Math.random());
  timer = setInterval(() => {
    const now = performance.now();
    for (const [place, { what, often, make }] of kinds.entries()) {
      let owed = (due[place] ?? 0) + ((now - last) / 1000) * often;
      for (; owed >= 1; owed--) {
        if (under.size > MAX_UNDER_WAY) continue;
        counted += 1;
        if (kind === "limits") send(working, { what, ...make(counted) });
        for (let time = 0; time < REFUSED_TIMES; time++)
          send(what === "run" ? refused : exhausted, { what, ...make(counted) });
      }
      due[place] = owed;
    }
    last = now;
  }, TICK_MS);
}

async function stop(): Promise<Statuses> {
  clearInterval(timer);
  await Promise.all(under);
  for (const end of leave) end();
  leave = [];
  return statuses;
}

process.on("message", (asked: FloodKind | "stop") => {
  if (asked !== "stop") {
    start(asked);
    process.send?.("started");
  } else void stop().then((seen) => process.send?.(seen));
});
process.on("disconnect", () => process.exit());
process.send?.("ready");
