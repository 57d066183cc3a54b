// One turn: sends a message on a thread, reads the stream to its end, and counts every token.
import { Agent, request } from "node:http";
import { type ChatThread, openChatThread } from "../peers/chat-agent-client.ts";
import { endOf, type TargetName, tokenOf, turnOf } from "../targets/targets.ts";
import { createCounter } from "./counter.ts";
import { type Order, writeOrder } from "./order.ts";

export interface Address {
  name: TargetName;
  url: string;
}

export interface Turn {
  /** In ms from the request: the first token, the last one, the end of the stream. */
  first: number;
  last: number;
  end: number;
  tokens: number;
}

const agent = new Agent({ keepAlive: true, maxSockets: Number.POSITIVE_INFINITY });

type OnTokens = (seen: number) => void;

/** A turn that takes longer than any that is measured hangs. */
const LIMIT_MS = 120_000;

/**
 * Rejects unless the stream has each of the order's tokens exactly once, and its end. `onTokens` is called with how many
 * have come.
 */
export async function takeTurn(
  address: Address,
  thread: string,
  order: Order,
  onTokens: OnTokens = () => {},
): Promise<Turn> {
  let timer: ReturnType<typeof setTimeout> | undefined;
  const late = new Promise<never>((_, reject) => {
    const error = new Error(`${address.name} ${thread}: no end after ${LIMIT_MS} ms`);
    timer = setTimeout(() => reject(error), LIMIT_MS);
  });
  const take = address.name === "agents" ? takeChatTurn : takeHttpTurn;
  return Promise.race([take(address, thread, order, onTokens), late]).finally(() => clearTimeout(timer));
}

/** Sockets of the Agents SDK's threads: its client opens one with a page and keeps it. */
const opened = new Map<string, Promise<ChatThread>>();

export async function closeThreads(): Promise<void> {
  for (const thread of opened.values()) (await thread).close();
  opened.clear();
}

async function takeChatTurn({ name, url }: Address, thread: string, order: Order, onTokens: OnTokens): Promise<Turn> {
  const open = opened.get(thread) ?? openChatThread(url, thread);
  opened.set(thread, open);
  const chat = await open;
  const turn = startTurn(name, onTokens);
  await chat.takeTurn(writeOrder(order), (text) => turn.read(Buffer.from(text)));
  const taken = turn.finish();
  if (taken.tokens === order.tokens) return taken;
  throw new Error(`${name} ${thread}: ${taken.tokens} of ${order.tokens} tokens`);
}

function takeHttpTurn(address: Address, thread: string, order: Order, onTokens: OnTokens): Promise<Turn> {
  const { name, url } = address;
  const { path, headers, body } = turnOf(name, thread, writeOrder(order));
  return new Promise((resolve, reject) => {
    const turn = startTurn(name, onTokens);
    const countEnds = createCounter(endOf(name));
    let ends = 0;
    const asked = request(url + path, { agent, method: "POST", headers }, (response) => {
      response.on("data", (piece: Buffer) => {
        turn.read(piece);
        ends += countEnds(piece);
      });
      response.on("error", reject);
      response.on("end", () => {
        const taken = turn.finish();
        if (ends > 0 && taken.tokens === order.tokens) return resolve(taken);
        const seen = `${taken.tokens} of ${order.tokens} tokens, ${ends > 0 ? "an end" : "no end"}`;
        reject(new Error(`${name} ${thread}: ${response.statusCode}, ${seen}`));
      });
    });
    asked.on("error", reject);
    asked.end(body);
  });
}

export interface RunningTurn {
  read(piece: Buffer): void;
  finish(): Turn;
}

export function startTurn(target: TargetName, onTokens: OnTokens): RunningTurn {
  const begun = performance.now();
  const countTokens = createCounter(tokenOf(target));
  const turn: Turn = { first: 0, last: 0, end: 0, tokens: 0 };
  return {
    read(piece) {
      const more = countTokens(piece);
      if (more === 0) return;
      turn.last = performance.now() - begun;
      if (turn.tokens === 0) turn.first = turn.last;
      turn.tokens += more;
      onTokens(turn.tokens);
    },
    finish() {
      turn.end = performance.now() - begun;
      return turn;
    },
  };
}
