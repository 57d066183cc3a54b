// Which fields of a dialog hold something that a person typed and has not sent.

type Field = HTMLInputElement | HTMLTextAreaElement | HTMLSelectElement;

export class TypedFields {
  /** What each field held before the person came to it. */
  readonly #before = new Map<Field, string>();

  /** The person is in this field. */
  note(target: EventTarget): void {
    if (isField(target) && !this.#before.has(target)) this.#before.set(target, read(target));
  }

  /** What is in the form now was sent. */
  forget(form: EventTarget): void {
    for (const field of this.#before.keys()) if (field.form === form) this.#before.set(field, read(field));
  }

  /** Fields that the page has removed since hold nothing. */
  get hasAny(): boolean {
    return [...this.#before].some(([field, before]) => field.isConnected && read(field) !== before);
  }
}

/** Outside of a form it is a filter, and costs nothing to fill in again. */
function isField(target: EventTarget): target is Field {
  const isOne =
    target instanceof HTMLInputElement || target instanceof HTMLTextAreaElement || target instanceof HTMLSelectElement;
  return isOne && target.form !== null;
}

function read(field: Field): string {
  return field instanceof HTMLInputElement && /^(?:checkbox|radio)$/.test(field.type)
    ? String(field.checked)
    : field.value;
}
