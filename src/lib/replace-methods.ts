/**
 * `object` with other methods in the place of some. The rest keep `object` as their `this`, so it may be an instance of a
 * class: a spread would lose the methods of one.
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
