import { existsSync, readFileSync } from 'node:fs';
import { markedParts, replaceFile } from '../../scripts/marked-parts.js';
import type { Section } from './section.js';

const PAGE = 'docs/performance.md';
const README = 'README.md';
/** The part whose table the README shows. */
const SHOWN_IN_README = 'requests';

const EMPTY_PAGE = `# Performance

Made by \`npm run bench -- --write\`: whatever stands between the marks is replaced by the next run of
its part; everything else may be edited.
`;

export const { withPart, partOf } = markedParts('bench');

/** Replaces this part of the page, and its plots; what other parts have measured stays. */
export function writePerformancePage(part: string, { title, text, plots }: Section): void {
  for (const { name, svg } of plots) replaceFile(`docs/${name}.svg`, svg);
  const pictures = plots.map(({ name, title: alt }) => `![${alt}](${name}.svg)`);
  const content = [`## ${title}`, text, ...pictures].join('\n\n');
  const page = existsSync(PAGE) ? readFileSync(PAGE, 'utf8') : EMPTY_PAGE;
  replaceFile(PAGE, withPart(page, part, content));
  if (part !== SHOWN_IN_README) return;
  replaceFile(README, withPart(readFileSync(README, 'utf8'), part, shownInReadme(text)));
}

/** The first table, and the last paragraph: on what it was measured. */
export function shownInReadme(text: string): string {
  const paragraphs = text.split('\n\n').filter((paragraph) => !paragraph.startsWith('!['));
  const table = paragraphs.find((paragraph) => paragraph.startsWith('|')) ?? '';
  return `${table}\n\n${paragraphs.at(-1)}`;
}
