import { describe, expect, it, vi } from "vitest";
import { Stopping } from "./stopping.ts";

describe("Stopping", () => {
  it("runs each step once, the last one first", async () => {
    const stopping = new Stopping();
    const order: number[] = [];
    await stopping.add(() => order.push(1));
    await stopping.add(() => order.push(2));
    await Promise.all([stopping.stop(), stopping.stop()]);
    expect(order).toEqual([2, 1]);
    expect(stopping.signal.aborted).toBe(true);
  });

  it("continues when a step fails", async () => {
    const printed = vi.spyOn(console, "error").mockImplementation(() => {});
    const stopping = new Stopping();
    let undone = false;
    await stopping.add(() => {
      undone = true;
    });
    await stopping.add(() => Promise.reject(new Error("stuck")));
    await stopping.stop();
    expect(undone).toBe(true);
    expect(printed).toHaveBeenCalledWith("stuck");
    printed.mockRestore();
  });

  it("runs a step at once that is added after it, and throws", async () => {
    const stopping = new Stopping();
    await stopping.stop();
    let undone = false;
    await expect(
      stopping.add(() => {
        undone = true;
      }),
    ).rejects.toThrow("stopped");
    expect(undone).toBe(true);
  });
});
