// The server that a client's program works against, and how it fails.

/** Throws what a person can read if it is false. */
export function expect(isSo: boolean, what: string): asserts isSo {
  if (!isSo) throw new Error(`not so: ${what}`);
}

function read(name: string): string {
  const value = process.env[name];
  expect(value !== undefined, `${name} is set`);
  return value;
}

export const url = read("TASKLOOM_URL");
export const key = read("TASKLOOM_API_KEY");
