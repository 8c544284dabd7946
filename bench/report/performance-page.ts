import { existsSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import type { Section } from './section.js';

const PAGE = 'docs/performance.md';
const README = 'README.md';
/** The part whose table the README shows. */
const SHOWN_IN_README = 'requests';

const EMPTY_PAGE = `# Performance

Made by \`npm run bench -- --write\`: whatever stands between the marks is replaced by the next run of
its part; everything else may be edited.
`;

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

/** What stands between the marks of `part` becomes `content`; where there are none, at the end. */
export function withPart(page: string, part: string, content: string): string {
  const marks = marksOf(part);
  const block = `${marks.begin}\n\n${content}\n\n${marks.end}`;
  const begin = page.indexOf(marks.begin);
  const end = page.indexOf(marks.end);
  if (begin < 0 || end < begin) return `${page.trimEnd()}\n\n${block}\n`;
  return page.slice(0, begin) + block + page.slice(end + marks.end.length);
}

export function partOf(page: string, part: string): string | undefined {
  const marks = marksOf(part);
  const begin = page.indexOf(marks.begin);
  const end = page.indexOf(marks.end);
  if (begin < 0 || end < begin) return undefined;
  return page.slice(begin + marks.begin.length, end).trim();
}

/** The first table, and the last paragraph: on what it was measured. */
export function shownInReadme(text: string): string {
  const paragraphs = text.split('\n\n').filter((paragraph) => !paragraph.startsWith('!['));
  const table = paragraphs.find((paragraph) => paragraph.startsWith('|')) ?? '';
  return `${table}\n\n${paragraphs.at(-1)}`;
}

function marksOf(part: string): { readonly begin: string; readonly end: string } {
  return { begin: `<!-- bench: ${part} -->`, end: `<!-- end of ${part} -->` };
}

/** Whole, or not at all. */
function replaceFile(path: string, content: string): void {
  writeFileSync(`${path}.new`, content);
  renameSync(`${path}.new`, path);
}
