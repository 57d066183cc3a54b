// One turn: sends a message on a thread, reads the stream to its end, and counts every token.
import { Agent, request } from "node:http";
import { type ChatThread, openChatThread } from "../peers/chat-agent-client.ts";
import { endOf, type TargetName, tokenOf, turnOf } from "../targets/targets.ts";
import { createCounter } from "./counter.ts";
import { type Order, writeOrder } from "./order.ts";

export interface Address {
  name: TargetName;
  url: string;
  /** Of the product's client; the admin's if there is none. */
  key?: string;
}

export interface Turn {
  /** When the request was sent, on the client's clock in ms. */
  begun: number;
  /** In ms from then: the first token, the last one, the end of the stream. */
  first: number;
  last: number;
  end: number;
  tokens: number;
  /** Those that came together with the first. */
  first_tokens: number;
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

/** Sockets of the Agents SDK's threads, by address: its client opens one with a page and keeps it. */
const opened = new Map<string, Promise<ChatThread>>();

/** What a page does before its first turn. Other targets have nothing of the kind. */
export async function openThreads({ name, url }: Address, threads: string[]): Promise<void> {
  if (name !== "agents") return;
  await closeOtherServers(url);
  await Promise.all(threads.map((thread) => openThread(url, thread)));
}

function openThread(url: string, thread: string): Promise<ChatThread> {
  const address = `${url}/${thread}`;
  const open = opened.get(address) ?? openChatThread(url, thread);
  opened.set(address, open);
  return open;
}

/** Servers before this one have ended. */
async function closeOtherServers(url: string): Promise<void> {
  for (const [address, thread] of opened) {
    if (address.startsWith(`${url}/`)) continue;
    opened.delete(address);
    (await thread).close();
  }
}

async function takeChatTurn({ name, url }: Address, thread: string, order: Order, onTokens: OnTokens): Promise<Turn> {
  const chat = await openThread(url, thread);
  const turn = startTurn(name, onTokens);
  let ended = 0;
  await chat.takeTurn(writeOrder(order), turn.begin, (text, at) => {
    ended = at;
    turn.read(Buffer.from(text), at);
  });
  const taken = turn.finish(ended);
  if (taken.tokens === order.tokens) return taken;
  throw new Error(`${name} ${thread}: ${taken.tokens} of ${order.tokens} tokens`);
}

function takeHttpTurn(address: Address, thread: string, order: Order, onTokens: OnTokens): Promise<Turn> {
  const { name, url, key } = address;
  const { path, headers, body } = turnOf(name, thread, writeOrder(order), key);
  return new Promise((resolve, reject) => {
    const turn = startTurn(name, onTokens);
    const countEnds = createCounter(endOf(name));
    let ends = 0;
    turn.begin();
    const asked = request(url + path, { agent, method: "POST", headers }, (response) => {
      response.on("data", (piece: Buffer) => {
        turn.read(piece, performance.now());
        ends += countEnds(piece);
      });
      response.on("error", reject);
      response.on("end", () => {
        const taken = turn.finish(performance.now());
        if (ends > 0 && taken.tokens === order.tokens) return resolve(taken);
        const seen = `${taken.tokens} of ${order.tokens} tokens, ${ends > 0 ? "an end" : "no end"}`;
        reject(new Error(`${name} ${thread}: ${response.statusCode}, ${seen}`));
      });
    });
    asked.on("error", reject);
    asked.end(body);
  });
}

interface RunningTurn {
  begin(): void;
  read(piece: Buffer, at: number): void;
  finish(at: number): Turn;
}

function startTurn(target: TargetName, onTokens: OnTokens): RunningTurn {
  let begun = 0;
  const countTokens = createCounter(tokenOf(target));
  const turn: Turn = { begun: 0, first: 0, last: 0, end: 0, tokens: 0, first_tokens: 0 };
  return {
    begin() {
      begun = performance.now();
      turn.begun = begun;
    },
    read(piece, at) {
      const more = countTokens(piece);
      if (more === 0) return;
      turn.last = at - begun;
      if (turn.tokens === 0) {
        turn.first = turn.last;
        turn.first_tokens = more;
      }
      turn.tokens += more;
      onTokens(turn.tokens);
    },
    finish(at) {
      turn.end = at - begun;
      return turn;
    },
  };
}
