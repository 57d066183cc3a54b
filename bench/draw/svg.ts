// The little SVG that the charts need. Colours follow the reader's light or dark mode.

export interface Theme {
  text: string;
  quiet: string;
  grid: string;
  series: string[];
}

const light: Theme = { text: "#1f2328", quiet: "#59636e", grid: "#d1d9e0", series: ["#5b5bd6", "#bf8700", "#8c959f"] };
const dark: Theme = { text: "#f0f6fc", quiet: "#9198a1", grid: "#3d444d", series: ["#8e8cf0", "#d9a521", "#656c76"] };

export function drawSvg(width: number, height: number, title: string, body: string[]): string {
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${height}" width="${width}" height="${height}"` +
      ` role="img" aria-label="${escapeText(title)}" font-family="system-ui, sans-serif" font-size="13">`,
    `<style>${styleOf(light)}@media (prefers-color-scheme: dark) {${styleOf(dark)}}</style>`,
    ...body,
    "</svg>",
    "",
  ].join("\n");
}

/** Classes: `t` text, `q` quiet text, `g` grid, `f0`… filled and `l0`… drawn in a series' colour. */
function styleOf({ text, quiet, grid, series }: Theme): string {
  const colours = series.map(
    (colour, index) => `.f${index}{fill:${colour}}.l${index}{stroke:${colour};fill:none;stroke-width:2}`,
  );
  return `.t{fill:${text}}.q{fill:${quiet}}.g{stroke:${grid}}${colours.join("")}`;
}

export function drawText(x: number, y: number, text: string, more = 'class="t"'): string {
  return `<text x="${round(x)}" y="${round(y)}" ${more}>${escapeText(text)}</text>`;
}

export function drawLine(x1: number, y1: number, x2: number, y2: number, more = 'class="g"'): string {
  return `<line x1="${round(x1)}" y1="${round(y1)}" x2="${round(x2)}" y2="${round(y2)}" ${more}/>`;
}

export function drawBar(x: number, y: number, width: number, height: number, series: number): string {
  const size = `width="${round(Math.max(width, 1))}" height="${round(height)}"`;
  return `<rect x="${round(x)}" y="${round(y)}" ${size} rx="1.5" class="f${series}"/>`;
}

/** A line through points, with a dot at each. */
export function drawCurve(points: [number, number][], series: number): string {
  const places = points.map(([x, y]) => `${round(x)},${round(y)}`).join(" ");
  const dots = points.map(([x, y]) => `<circle cx="${round(x)}" cy="${round(y)}" r="3" class="f${series}"/>`);
  return `<polyline points="${places}" class="l${series}" stroke-linejoin="round"/>${dots.join("")}`;
}

/** A linear axis from `least` to `most` over `length` pixels. */
export function linearScale(least: number, most: number, length: number): (value: number) => number {
  return (value) => ((value - least) / (most - least)) * length;
}

/** A logarithmic axis from `least` to `most` over `length` pixels. */
export function logScale(least: number, most: number, length: number): (value: number) => number {
  const [low, high] = [Math.log(least), Math.log(most)];
  return (value) => ((Math.log(value) - low) / (high - low)) * length;
}

export function round(value: number): number {
  return Math.round(value * 10) / 10;
}

function escapeText(text: string): string {
  return text.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll(">", "&gt;").replaceAll('"', "&quot;");
}
