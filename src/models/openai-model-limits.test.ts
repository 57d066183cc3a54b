// How long a model waits for its server and how much it takes of it, on the wire as in `openai-model.test.ts`.
import { afterEach, describe, expect, it, vi } from "vitest";
import {
  api_key,
  call,
  closeServers,
  failureOf,
  frame,
  replyOf,
  request,
  serve,
  stream,
  text,
} from "../../test/fakes/model-endpoint.ts";
import type { OpenAiLimits } from "./exchange/exchange.ts";
import { models } from "./index.ts";

afterEach(closeServers);

describe("a model", () => {
  it("gives up on a server that sends no response head, and on one that sends no byte of the body", async () => {
    const limits = { first_byte_ms: 60 };
    const silent = await call(() => {}, { limits });
    expect(failureOf(silent.outcome)).toMatchObject({ code: "model_timeout", retryable: true, reason: "timeout" });
    const headOnly = await call((response) => stream(response).flushHeaders(), { limits });
    expect(failureOf(headOnly.outcome)).toMatchObject({ code: "model_timeout", retryable: true });
  });

  it("gives up sooner on a silent server while another model can be asked", async () => {
    vi.useFakeTimers();
    try {
      const silent: typeof fetch = (_input, init) =>
        new Promise((_resolve, reject) => init?.signal?.addEventListener("abort", () => reject(new Error("aborted"))));
      const ask = async (has_fallback: boolean, limits: Partial<OpenAiLimits> = {}) => {
        const model = models.native({ api_key, base_url: "https://model.example/v1", fetch: silent, limits });
        const begun = Date.now();
        const outcome = await Promise.all([
          model.stream({ ...request, has_fallback }, () => {}, new AbortController().signal),
          vi.runAllTimersAsync(),
        ]);
        return [Date.now() - begun, failureOf(outcome[0]).message];
      };
      expect(await ask(true)).toEqual([120_000, "The model server sent nothing for 120 s."]);
      expect(await ask(false)).toEqual([600_000, "The model server sent nothing for 600 s."]);
      expect((await ask(true, { first_byte_ms: 5000 }))[0]).toBe(5000);
    } finally {
      vi.useRealTimers();
    }
  });

  it("gives up on a stream that falls silent, but not on one that has finished", async () => {
    const limits = { idle_ms: 60 };
    const amid = await call((response) => void stream(response).write(text("half")), { limits });
    expect(failureOf(amid.outcome)).toMatchObject({ code: "model_timeout", retryable: true });
    const after = await call((response) => void stream(response).write(text("whole", "stop")), { limits });
    expect(replyOf(after.outcome).text).toBe("whole");
  });

  it("waits longer before the reply begins than during it, and comments or a chunk with only the role don't begin it", async () => {
    const limits = { idle_ms: 60, first_byte_ms: 5000 };
    const { outcome } = await call(
      (response) => {
        stream(response).write(
          `: PROCESSING\n\n${frame({ choices: [{ delta: { role: "assistant", content: "" } }] })}`,
        );
        setTimeout(() => response.end(text("thought over", "stop")), 300);
      },
      { limits },
    );
    expect(replyOf(outcome).text).toBe("thought over");
  });

  it("counts comments as a sign of life, before the reply and during it", async () => {
    const limits = { idle_ms: 600, first_byte_ms: 600 };
    const { outcome } = await call(
      (response) => {
        stream(response);
        const pieces = [...Array(6).fill(": PROCESSING\n\n"), text("a"), ...Array(6).fill(": PROCESSING\n\n")];
        const timer = setInterval(() => {
          const piece = pieces.shift();
          if (piece !== undefined) return void response.write(piece);
          clearInterval(timer);
          response.end(text("b", "stop"));
        }, 120);
      },
      { limits },
    );
    expect(replyOf(outcome).text).toBe("ab");
  });

  it("gives up on a server that sends comments for ever", async () => {
    for (const piece of [text("a"), ": PROCESSING\n\n"]) {
      const closed = Promise.withResolvers<void>();
      const { outcome } = await call(
        (response) => {
          stream(response);
          const timer = setInterval(() => response.write(piece), 20);
          response.on("close", () => {
            clearInterval(timer);
            closed.resolve();
          });
        },
        { limits: { idle_ms: 5000, first_byte_ms: 5000, total_ms: 400 } },
      );
      expect(failureOf(outcome)).toMatchObject({
        code: "model_timeout",
        retryable: false,
        message: expect.stringContaining("took longer than"),
      });
      await closed.promise;
    }
  });

  it("refuses an endless reply, in tokens or in one line, and closes the connection", async () => {
    for (const piece of [text("x".repeat(1000)), "x".repeat(1000)]) {
      let closed: () => void = () => {};
      const seen = new Promise<void>((resolve) => {
        closed = resolve;
      });
      const { outcome } = await call(
        (response) => {
          response.on("close", closed);
          stream(response).write(piece === "x".repeat(1000) ? "data: " : "");
          const more = () => {
            while (!response.destroyed) if (!response.write(piece)) return void response.once("drain", more);
          };
          more();
        },
        { limits: { reply_characters: 100_000 } },
      );
      expect(failureOf(outcome)).toMatchObject({ code: "model_error", retryable: false });
      await seen;
    }
  });

  it("closes the connection immediately when aborted in the middle of the stream, and returns what had arrived", async () => {
    const caller = new AbortController();
    let closed: () => void = () => {};
    const seen = new Promise<void>((resolve) => {
      closed = resolve;
    });
    const base_url = await serve((response) => {
      response.on("close", closed);
      stream(response).write(text("half"));
    });
    const outcome = await models.native({ api_key, base_url }).stream(request, () => caller.abort(), caller.signal);
    expect(outcome).toMatchObject({ kind: "aborted", reply: { text: "half", tool_calls: [] } });
    await seen;
  });

  it("closes the connection when aborted before the response head", async () => {
    const caller = new AbortController();
    let closed: () => void = () => {};
    const seen = new Promise<void>((resolve) => {
      closed = resolve;
    });
    const { outcome } = await call(
      (response) => {
        response.on("close", closed);
        caller.abort();
      },
      { signal: caller.signal },
    );
    expect(outcome.kind).toBe("aborted");
    await seen;
  });

  it("makes no request for a caller that has already aborted", async () => {
    let asked = 0;
    const { outcome } = await call(() => asked++, { signal: AbortSignal.abort() });
    expect(outcome.kind).toBe("aborted");
    expect(asked).toBe(0);
  });
});
