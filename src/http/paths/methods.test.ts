import { expect, it } from "vitest";
import { createApp } from "../../app.ts";
import { createMethodsAt, hintFor } from "./methods.ts";

const methodsAt = createMethodsAt(createApp());

it.each([
  ["/v1/threads", "It has GET and POST."],
  ["/v1/threads/t-1", "It has GET, PATCH, and DELETE."],
  ["/v1/threads/t-1/runs/stream", "It has GET and POST."],
  ["/v1/threads/", "Leave out the slash at its end."],
  ["/v1/nothing/", "The API is below /v1, and GET /openapi.json describes it."],
  ["/v1/responses", "There is no model API here."],
])("a path that lacks the method says what it has: %s", (path, hint) =>
  expect(hintFor(path, methodsAt)).toContain(hint),
);
