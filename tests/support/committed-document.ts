import { readFileSync } from 'node:fs';

/** Where the API description is committed, and served from. */
export const API_DOCUMENT = new URL('../../docs/openapi.json', import.meta.url);

export type Json = Readonly<Record<string, unknown>>;

export function committedDocument(): Json {
  return JSON.parse(readFileSync(API_DOCUMENT, 'utf8')) as Json;
}

/** A part of the document, and the pointer (RFC 6901) that names it. */
export interface Place {
  readonly pointer: string;
  readonly value: Json;
}

/** What the path below a place leads to, across references. */
export function follow(
  document: Json,
  { pointer, value }: Place,
  ...path: readonly string[]
): Place | undefined {
  let place: Place = { pointer, value };
  for (const name of path) {
    const next = place.value[name];
    if (typeof next !== 'object' || next === null) return undefined;
    place = { pointer: `${place.pointer}/${escapeToken(name)}`, value: next as Json };
    const { $ref } = place.value;
    if (typeof $ref === 'string') {
      const target = follow(document, rootOf(document), ...tokensOf($ref));
      if (target === undefined) return undefined;
      place = target;
    }
  }
  return place;
}

function rootOf(document: Json): Place {
  return { pointer: '#', value: document };
}

interface FoundOperation {
  readonly id: string;
  readonly place: Place;
  /** The methods of the path; undefined: no such path is described. */
  readonly allow: readonly string[] | undefined;
}

/** Finds what describes the answer to a request: in doubt, `AnyOtherRequest`. */
export function createOperationFinder(
  document: Json,
): (method: string, url: string) => FoundOperation {
  const root = rootOf(document);
  const paths = Object.keys(document['paths'] as Json)
    .sort((one, other) => parametersIn(one) - parametersIn(other))
    .map((path) => ({ pattern: patternOf(path), item: follow(document, root, 'paths', path)! }));
  const other = follow(document, root, 'components', 'pathItems', 'AnyOtherRequest', 'get')!;

  return (method, url) => {
    const path = url.replace(/^https?:\/\/[^/]*/, '').replace(/\?[^]*$/, '');
    const item = paths.find(({ pattern }) => pattern.test(path))?.item;
    const name = method === 'HEAD' ? 'get' : method.toLowerCase();
    const place = (item && follow(document, item, name)) ?? other;
    const allow = item && Object.keys(item.value).map((each) => each.toUpperCase());
    return { id: String(place.value['operationId']), place, allow };
  };
}

function parametersIn(path: string): number {
  return path.split('{').length - 1;
}

function patternOf(path: string): RegExp {
  const literal = path.replaceAll(/[.*+?^$()|[\]\\]/g, String.raw`\$&`);
  return new RegExp(`^${literal.replaceAll(/\{[^}]+\}/g, '[^/]+')}$`);
}

function escapeToken(name: string): string {
  return name.replaceAll('~', '~0').replaceAll('/', '~1');
}

function tokensOf(pointer: string): string[] {
  const tokens = pointer.split('/').slice(1);
  return tokens.map((token) => token.replaceAll('~1', '/').replaceAll('~0', '~'));
}
