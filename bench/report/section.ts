/** What one part of the bench found, as it is printed and as it stands in docs/performance.md. */
export interface Section {
  readonly title: string;
  /** Markdown. */
  readonly text: string;
  readonly plots: readonly Plot[];
}

export interface Plot {
  /** Of its file in docs/, without the extension. */
  readonly name: string;
  readonly title: string;
  readonly svg: string;
}

/** A figure that was promised before it was measured. */
export interface Aim {
  readonly what: string;
  readonly aim: string;
  readonly measured: string;
  readonly reached: boolean;
}

export function atMost(what: string, measured: number, limit: number, unit = ''): Aim {
  const text = (value: number): string => `${figure(value)}${unit}`;
  return { what, aim: `≤ ${text(limit)}`, measured: text(measured), reached: measured <= limit };
}

export function atLeast(what: string, measured: number, limit: number, unit = ''): Aim {
  const text = (value: number): string => `${figure(value)}${unit}`;
  return { what, aim: `≥ ${text(limit)}`, measured: text(measured), reached: measured >= limit };
}

export function aimsTable(aims: readonly Aim[]): string {
  if (aims.length === 0) return '';
  const rows = aims.map(({ what, aim, measured, reached }) => [
    ...[what, aim, measured, reached ? 'yes' : '**no**'],
  ]);
  return table(['aim', 'wanted', 'measured', 'reached'], rows);
}

export function table(header: readonly string[], rows: readonly (readonly string[])[]): string {
  const line = (cells: readonly string[]): string => `| ${cells.join(' | ')} |`;
  return [line(header), line(header.map(() => '---')), ...rows.map(line)].join('\n');
}

/** Three significant digits, thousands in groups: more than that no figure here is worth. */
export function figure(value: number): string {
  if (!Number.isFinite(value)) return '–';
  const rounded = value === 0 ? 0 : Number(value.toPrecision(3));
  return rounded.toLocaleString('en-US', { maximumSignificantDigits: 3 });
}

export function withSpread({ median, low, high }: Record<'median' | 'low' | 'high', number>) {
  return `${figure(median)} (${figure(low)}–${figure(high)})`;
}
