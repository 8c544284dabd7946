/** A drawing that stands on its own: white ground, since it is shown on dark pages, too. */
export function svg(width: number, height: number, parts: readonly string[]): string {
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" width="${width}" height="${height}" ` +
      `viewBox="0 0 ${width} ${height}" font-family="sans-serif" font-size="13">`,
    `<rect width="${width}" height="${height}" fill="#ffffff"/>`,
    ...parts,
    '</svg>',
    '',
  ].join('\n');
}

export interface TextStyle {
  readonly anchor?: 'start' | 'middle' | 'end';
  readonly size?: number;
  readonly fill?: string;
}

export function text(x: number, y: number, content: string, style: TextStyle = {}): string {
  const { anchor = 'start', size = 13, fill = '#222222' } = style;
  const escaped = content.replaceAll('&', '&amp;').replaceAll('<', '&lt;');
  return (
    `<text x="${place(x)}" y="${place(y)}" text-anchor="${anchor}" font-size="${size}" ` +
    `fill="${fill}">${escaped}</text>`
  );
}

export function line(from: Point, to: Point, stroke: string, width = 1): string {
  return (
    `<line x1="${place(from.x)}" y1="${place(from.y)}" x2="${place(to.x)}" y2="${place(to.y)}" ` +
    `stroke="${stroke}" stroke-width="${width}"/>`
  );
}

export interface Point {
  readonly x: number;
  readonly y: number;
}

/** A tenth of a pixel is enough, and keeps the file small. */
export function place(value: number): string {
  return String(Math.round(value * 10) / 10);
}

/** A round step that divides `range` into about `count` parts. */
export function roundStep(range: number, count: number): number {
  const rough = range / count;
  const power = 10 ** Math.floor(Math.log10(rough));
  const factor = [1, 2, 5, 10].find((each) => each * power >= rough) ?? 10;
  return factor * power;
}
