import { figure } from './section.js';
import { line, place, roundStep, svg, text } from './svg.js';

export interface Bar {
  readonly label: string;
  readonly value: number;
  /** The spread over the rounds. */
  readonly low?: number;
  readonly high?: number;
  /** Ours is what the picture is about. */
  readonly ours: boolean;
}

const WIDTH = 960;
const LEFT = 400;
const RIGHT = 90;
const TOP = 58;
const ROW = 28;
const BAR = 18;
const OURS = '#1f6feb';
const OTHERS = '#9aa4b2';

/** Horizontal bars, one below the other, with the spread as a thin line. */
export function barChart(title: string, unit: string, bars: readonly Bar[]): string {
  const most = Math.max(...bars.map(({ value, high }) => Math.max(value, high ?? 0)));
  const scale = (WIDTH - LEFT - RIGHT) / most;
  const bottom = TOP + bars.length * ROW;
  const parts = [text(16, 26, title, { size: 16 }), text(16, 46, unit, { fill: '#666666' })];
  const step = roundStep(most, 6);
  for (let tick = 0; tick <= most; tick += step) {
    const x = LEFT + tick * scale;
    parts.push(line({ x, y: TOP }, { x, y: bottom }, '#e3e6ea'));
    parts.push(text(x, bottom + 18, figure(tick), { anchor: 'middle', size: 11, fill: '#666666' }));
  }
  for (const [index, bar] of bars.entries()) parts.push(...barParts(bar, index, scale));
  return svg(WIDTH, bottom + 30, parts);
}

function barParts({ label, value, low, high, ours }: Bar, index: number, scale: number): string[] {
  const y = TOP + index * ROW + (ROW - BAR) / 2;
  const middle = y + BAR / 2;
  const parts = [
    text(LEFT - 10, middle + 4, label, { anchor: 'end' }),
    `<rect x="${LEFT}" y="${place(y)}" width="${place(value * scale)}" height="${BAR}" ` +
      `fill="${ours ? OURS : OTHERS}"/>`,
  ];
  if (low !== undefined && high !== undefined) {
    const from = { x: LEFT + low * scale, y: middle };
    parts.push(line(from, { x: LEFT + high * scale, y: middle }, '#222222', 2));
  }
  const end = LEFT + Math.max(value, high ?? 0) * scale;
  parts.push(text(end + 6, middle + 4, figure(value)));
  return parts;
}
