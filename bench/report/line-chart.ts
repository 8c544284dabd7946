import { figure } from './section.js';
import { type Point, line, place, roundStep, svg, text } from './svg.js';

export interface Series {
  readonly name: string;
  readonly points: readonly Point[];
}

export interface LineChart {
  readonly title: string;
  readonly xUnit: string;
  readonly yUnit: string;
  readonly series: readonly Series[];
}

const WIDTH = 860;
const HEIGHT = 380;
const AREA = { left: 70, right: WIDTH - 30, top: 78, bottom: HEIGHT - 48 };
const COLOURS = ['#1f6feb', '#d4570a', '#3a8f3a', '#7d3fb3'];

/** x grows by factors, y from 0 on: what is flat looks flat. */
export function lineChart({ title, xUnit, yUnit, series }: LineChart): string {
  const points = series.flatMap((each) => each.points);
  const decades = {
    from: Math.floor(Math.log10(Math.min(...points.map(({ x }) => x)))),
    to: Math.ceil(Math.log10(Math.max(...points.map(({ x }) => x)))),
  };
  const most = Math.max(...points.map(({ y }) => y)) * 1.1;
  const xPlace = (x: number): number =>
    AREA.left +
    ((Math.log10(x) - decades.from) / (decades.to - decades.from || 1)) * (AREA.right - AREA.left);
  const yPlace = (y: number): number => AREA.bottom - (y / most) * (AREA.bottom - AREA.top);
  const parts = [text(16, 26, title, { size: 16 }), text(16, 46, yUnit, { fill: '#666666' })];
  const axis = { size: 11, fill: '#666666' };
  const step = roundStep(most, 5);
  for (let tick = 0; tick <= most; tick += step) {
    const y = yPlace(tick);
    parts.push(line({ x: AREA.left, y }, { x: AREA.right, y }, '#e3e6ea'));
    parts.push(text(AREA.left - 8, y + 4, figure(tick), { ...axis, anchor: 'end' }));
  }
  for (let decade = decades.from; decade <= decades.to; decade += 1) {
    const label = (10 ** decade).toLocaleString('en-US');
    parts.push(text(xPlace(10 ** decade), AREA.bottom + 18, label, { ...axis, anchor: 'middle' }));
  }
  const middle = (AREA.left + AREA.right) / 2;
  parts.push(text(middle, AREA.bottom + 38, xUnit, { ...axis, anchor: 'middle' }));
  for (const [index, { name, points: own }] of series.entries()) {
    const colour = COLOURS[index % COLOURS.length] ?? '#222222';
    const placed = own.map(({ x, y }) => ({ x: xPlace(x), y: yPlace(y) }));
    parts.push(...seriesParts(placed, colour));
    const legend = { x: AREA.left + index * 190, y: 64 };
    parts.push(line(legend, { x: legend.x + 20, y: legend.y }, colour, 3));
    parts.push(text(legend.x + 26, legend.y + 4, name, { size: 12 }));
  }
  return svg(WIDTH, HEIGHT, parts);
}

function seriesParts(points: readonly Point[], colour: string): string[] {
  const path = points.map(({ x, y }) => `${place(x)},${place(y)}`).join(' ');
  return [
    `<polyline points="${path}" fill="none" stroke="${colour}" stroke-width="2"/>`,
    ...points.map(
      ({ x, y }) => `<circle cx="${place(x)}" cy="${place(y)}" r="3.5" fill="${colour}"/>`,
    ),
  ];
}
