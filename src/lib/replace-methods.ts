/**
 * `object` with some methods replaced. The other methods keep `object` as their `this`, so it may be a class instance,
 * whose methods a spread would lose.
 */
export function replaceMethods<Inner extends object>(object: Inner, replaced: Partial<Inner>): Inner {
  return new Proxy(object, {
    get: (target, name) => {
      if (Object.hasOwn(replaced, name)) return Reflect.get(replaced, name);
      const value: unknown = Reflect.get(target, name, target);
      return typeof value === "function" ? value.bind(target) : value;
    },
  });
}
