// How the load client talks to the chat agent: what `useAgent` and `useAgentChat` of these versions send and answer,
// without React. Before the first turn a thread's history is fetched, its socket opened and a running stream asked for.
//
// A request carries all messages of the thread, and the client's copy of a response must be the one that the AI SDK
// builds (response-message.ts): the agent compares each with its own and stores those that differ.
//
// Node's own WebSocket, which costs as much per message, would offer compression as a browser does. `ws` can leave it
// off: no other target of the bench compresses.
import { WebSocket } from "ws";
import { type Chunk, createResponseMessage, type ResponseMessage } from "./response-message.ts";

/** Gets the text of each message that belongs to the turn's response, "" where it has none, and when it came. */
export type OnPiece = (text: string, at: number) => void;

export interface ChatThread {
  /** Calls `onSend` when the request is ready to go. Resolves when the response has ended and is stored. One at a time. */
  takeTurn(message: string, onSend: () => void, onPiece: OnPiece): Promise<void>;
  close(): void;
}

/** What the agent sends. `body` is a chunk of the response as JSON. */
interface Frame {
  type: string;
  id?: string;
  body?: string;
  done?: boolean;
  error?: boolean;
}

/** A response that is being received. */
interface Reception {
  id: string;
  message: ResponseMessage;
  onPiece: OnPiece;
  resolve(): void;
  reject(error: Error): void;
}

/** `url` is the origin of the Worker. */
export async function openChatThread(url: string, thread: string): Promise<ChatThread> {
  const address = new URL(`/agents/chat-agent/${encodeURIComponent(thread)}`, url);
  const history = await fetchHistory(address);
  const socket = await openSocket(address);
  return new OpenThread(socket, history).resume();
}

async function fetchHistory(address: URL): Promise<object[]> {
  const response = await fetch(`${address}/get-messages`);
  if (!response.ok) throw new Error(`get-messages: ${response.status}`);
  return (await response.json()) as object[];
}

function openSocket(address: URL): Promise<WebSocket> {
  const target = new URL(`${address}?_pk=${crypto.randomUUID()}`);
  target.protocol = "ws:";
  const socket = new WebSocket(target.href, { perMessageDeflate: false, skipUTF8Validation: true });
  return new Promise((resolve, reject) => {
    socket.once("open", () => resolve(socket));
    socket.once("error", reject);
  });
}

class OpenThread implements ChatThread {
  readonly #socket: WebSocket;
  /** Each message as JSON in a JSON string, as a request has it: long threads are not serialized for each turn. */
  readonly #messages: string[];
  #reception: Reception | null = null;
  #onIdle = (): void => {};

  constructor(socket: WebSocket, history: object[]) {
    this.#socket = socket;
    this.#messages = history.map(quoteTwice);
    socket.on("message", (data: Buffer) => {
      const at = performance.now();
      this.#receive(JSON.parse(data.toString()) as Frame, at);
    });
    socket.on("error", () => {});
    socket.on("close", () => this.#reception?.reject(new Error("the socket closed before the response ended")));
  }

  /** Asks for a running stream, as a client does when it opens a thread, and follows it to its end if there is one. */
  async resume(): Promise<this> {
    await new Promise<void>((resolve) => {
      this.#onIdle = resolve;
      this.#send({ type: "cf_agent_stream_resume_request", probeId: createId(8) });
    });
    return this;
  }

  async takeTurn(message: string, onSend: () => void, onPiece: OnPiece): Promise<void> {
    const asked = { parts: [{ type: "text", text: message }], id: createId(16), role: "user" };
    this.#messages.push(quoteTwice(asked));
    const id = createId(8);
    const ended = this.#follow(id, onPiece);
    const body = `{\\"messages\\":[${this.#messages.join(",")}],\\"trigger\\":\\"submit-message\\"}`;
    const request = `{"id":"${id}","init":{"method":"POST","body":"${body}"},"type":"cf_agent_use_chat_request"}`;
    onSend();
    this.#socket.send(request);
    await ended;
  }

  close(): void {
    this.#socket.close();
  }

  async #follow(id: string, onPiece: OnPiece): Promise<void> {
    const message = createResponseMessage(createId(16));
    try {
      await new Promise<void>((resolve, reject) => {
        this.#reception = { id, message, onPiece, resolve, reject };
      });
      this.#messages.push(quoteTwice(message.value));
    } finally {
      this.#reception = null;
    }
  }

  #receive(frame: Frame, at: number): void {
    if (frame.type === "cf_agent_use_chat_response") this.#receivePiece(frame, at);
    else if (frame.type === "cf_agent_stream_resume_none") this.#onIdle();
    else if (frame.type === "cf_agent_stream_resuming") this.#acknowledge(frame.id ?? "");
  }

  #receivePiece({ id, body, done, error }: Frame, at: number): void {
    const reception = this.#reception;
    if (reception === null || reception.id !== id) return;
    if (error) {
      reception.reject(new Error(body));
      return;
    }
    const chunk = body ? (JSON.parse(body) as Chunk) : null;
    if (chunk !== null) reception.message.add(chunk);
    reception.onPiece(chunk?.type === "text-delta" ? chunk.delta : "", at);
    if (done) reception.resolve();
  }

  /** The agent announces the same stream more than once, and a client answers once. */
  #acknowledge(id: string): void {
    if (this.#reception !== null) return;
    this.#follow(id, () => {}).then(this.#onIdle, this.#onIdle);
    this.#send({ type: "cf_agent_stream_resume_ack", id });
  }

  #send(message: object): void {
    this.#socket.send(JSON.stringify(message));
  }
}

function quoteTwice(message: object): string {
  return JSON.stringify(JSON.stringify(message)).slice(1, -1);
}

/** Like those of the SDKs: random letters and digits. */
function createId(length: number): string {
  return crypto.randomUUID().replaceAll("-", "").slice(0, length);
}
