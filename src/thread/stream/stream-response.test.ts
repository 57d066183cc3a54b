import { expect, it } from "vitest";
import { settle } from "../../../test/fakes/stream.ts";
import { sinkOf } from "./stream-response.ts";

it("hands a client's stream 4 KiB at a time, each piece once the one before it was taken", async () => {
  const sizes: number[] = [];
  let take = () => {};
  const stream = new WritableStream<Uint8Array>({
    write: ({ byteLength }) => {
      sizes.push(byteLength);
      return new Promise<void>((resolve) => {
        take = resolve;
      });
    },
  });
  const written = sinkOf(stream.getWriter()).write(new Uint8Array(10_000));
  for (const expected of [[4096], [4096, 4096], [4096, 4096, 1808]]) {
    await settle();
    expect(sizes).toEqual(expected);
    take();
  }
  await written;
});
