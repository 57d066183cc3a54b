// The package has no types for the DOM that it brings along.
declare module "@mozilla/readability/JSDOMParser.js" {
  class JSDOMParser {
    parse(html: string, url: string): Document;
  }
  export = JSDOMParser;
}
