// A collector: takes OTLP over HTTP in protobuf, as the real ones do, and refuses what `readExport` can't read.
import { createServer, type IncomingHttpHeaders } from "node:http";
import type { AddressInfo } from "node:net";
import { type ReceivedSpan, readExport } from "./read.ts";

export interface OtlpReceiver {
  /** What OTEL_EXPORTER_OTLP_ENDPOINT is set to. */
  url: string;
  spans: ReceivedSpan[];
  /** Why posts were refused that should not have been. */
  faults: string[];
  headers: IncomingHttpHeaders[];
  /** All bytes that came, as text. */
  text: string;
  posts: number;
  most_at_once: number;
  /** What to answer in place of 200; null hangs. */
  answer: { status: number; headers?: Record<string, string> } | null;
  /** Resolves once a span for which `test` is true has come. */
  until(test: (span: ReceivedSpan) => boolean): Promise<ReceivedSpan>;
  close(): Promise<void>;
}

export async function startOtlpReceiver(): Promise<OtlpReceiver> {
  let open = 0;
  let waiters: (() => void)[] = [];
  const server = createServer(async (request, response) => {
    open++;
    receiver.posts++;
    receiver.most_at_once = Math.max(receiver.most_at_once, open);
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(chunk as Buffer);
    const body = Buffer.concat(chunks);
    receiver.text += body.toString("latin1");
    receiver.headers.push(request.headers);
    const { answer } = receiver;
    if (answer === null) return;
    let { status } = answer;
    if (status === 200) {
      try {
        if (request.method !== "POST" || request.url !== "/v1/traces")
          throw new Error(`${request.method} ${request.url}`);
        if (request.headers["content-type"] !== "application/x-protobuf") throw new Error("another content type");
        receiver.spans.push(...readExport(body));
      } catch (error) {
        receiver.faults.push(String(error));
        status = 400;
      }
    }
    open--;
    response.writeHead(status, { "content-type": "application/x-protobuf", ...answer.headers }).end();
    const told = waiters;
    waiters = [];
    for (const tell of told) tell();
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const receiver: OtlpReceiver = {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    ...{ spans: [], faults: [], headers: [], text: "", posts: 0, most_at_once: 0, answer: { status: 200 } },
    async until(test) {
      for (;;) {
        const found = receiver.spans.find(test);
        if (found !== undefined) return found;
        await new Promise<void>((resolve) => waiters.push(resolve));
      }
    },
    async close() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
  return receiver;
}
