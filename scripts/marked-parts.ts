import { renameSync, writeFileSync } from 'node:fs';

/** The parts of a document that a program writes: what stands between their marks. */
export interface MarkedParts {
  /** What stands between the marks of `part` becomes `content`; where there are none, at the end. */
  withPart(page: string, part: string, content: string): string;
  partOf(page: string, part: string): string | undefined;
}

/** `program` stands in the marks: whose parts they are. */
export function markedParts(program: string): MarkedParts {
  const marksOf = (part: string) => ({
    begin: `<!-- ${program}: ${part} -->`,
    end: `<!-- end of ${part} -->`,
  });
  const placeOf = (page: string, { begin, end }: ReturnType<typeof marksOf>) => {
    const [from, to] = [page.indexOf(begin), page.indexOf(end)];
    return from < 0 || to < from ? undefined : { from, to };
  };
  return {
    withPart(page, part, content) {
      const marks = marksOf(part);
      const place = placeOf(page, marks);
      const block = `${marks.begin}\n\n${content}\n\n${marks.end}`;
      if (place === undefined) return `${page.trimEnd()}\n\n${block}\n`;
      return page.slice(0, place.from) + block + page.slice(place.to + marks.end.length);
    },
    partOf(page, part) {
      const marks = marksOf(part);
      const place = placeOf(page, marks);
      return place && page.slice(place.from + marks.begin.length, place.to).trim();
    },
  };
}

/** Whole, or not at all. */
export function replaceFile(path: string, content: string): void {
  writeFileSync(`${path}.new`, content);
  renameSync(`${path}.new`, path);
}
