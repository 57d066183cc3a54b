// What a client takes, from its `Accept` header.

/** Whether the client names this type. `*\/*` names none. */
export function namesType(accept: string | null | undefined, wanted: string): boolean {
  return (accept ?? "").split(",").some((range) => {
    const [type, ...parameters] = range.split(";").map((part) => part.trim().toLowerCase());
    return type === wanted && !parameters.some((parameter) => /^q=0(\.0*)?$/.test(parameter));
  });
}
