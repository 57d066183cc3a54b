// What any Worker's refusal costs: this one has a fixed answer, and reads nothing of the request.

const headers = { "content-type": "application/problem+json", "retry-after": "30" };

export class Objects {}

export const publicEntrypoint = {
  fetch: (): Response => new Response('{"code":"quota_exceeded","status":429}', { status: 429, headers }),
};
