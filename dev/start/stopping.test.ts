import { describe, expect, it, vi } from "vitest";
import { Stopping } from "./stopping.ts";

describe("stopping", () => {
  it("undoes the last thing first, each once", async () => {
    const stopping = new Stopping();
    const order: number[] = [];
    await stopping.add(() => order.push(1));
    await stopping.add(() => order.push(2));
    await Promise.all([stopping.stop(), stopping.stop()]);
    expect(order).toEqual([2, 1]);
    expect(stopping.signal.aborted).toBe(true);
  });

  it("goes on where one thing can't be undone", async () => {
    const told = vi.spyOn(console, "error").mockImplementation(() => {});
    const stopping = new Stopping();
    let undone = false;
    await stopping.add(() => {
      undone = true;
    });
    await stopping.add(() => Promise.reject(new Error("stuck")));
    await stopping.stop();
    expect(undone).toBe(true);
    expect(told).toHaveBeenCalledWith("stuck");
    told.mockRestore();
  });

  it("undoes at once what begins after it, and says so", async () => {
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
