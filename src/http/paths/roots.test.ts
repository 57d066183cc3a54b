import { describe, expect, it } from "vitest";
import { isApiPath } from "./roots.ts";

describe("a path", () => {
  it.each([
    "/v1",
    "/v1/threads",
    "/ag-ui",
    "/ag-ui/a",
    "/auth/sign-out",
    "/docs",
    "/hooks/a",
    "/integrations/a",
    "/healthz",
  ])("such as %s belongs to the API", (path) => expect(isApiPath(path)).toBe(true));

  it.each(["/", "/v1x", "/V1/threads", "/ag-ui.html", "/healthz/a", "/authors", "/threads/v1"])(
    "such as %s belongs to the page",
    (path) => expect(isApiPath(path)).toBe(false),
  );
});
