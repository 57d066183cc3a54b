// What the bundle takes for an image of Daytona's SDK ([alias] in wrangler.toml): one that a text describes. The SDK's own
// also writes such texts, and reads files of the machine that it runs on.

export class Image {
  readonly #dockerfile: string;
  readonly contextList = [];

  private constructor(dockerfile: string) {
    this.#dockerfile = dockerfile;
  }

  static base(name: string): Image {
    return new Image(`FROM ${name}\n`);
  }

  get dockerfile(): string {
    return this.#dockerfile;
  }
}
