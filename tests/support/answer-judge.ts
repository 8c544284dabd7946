import { Ajv2020 } from 'ajv/dist/2020.js';
import formats from 'ajv-formats';
import {
  type Json,
  type Place,
  committedDocument,
  createOperationFinder,
  follow,
} from './committed-document.js';

/** One answer as it went over the wire. */
export interface ObservedAnswer {
  readonly method: string;
  readonly url: string;
  readonly status: number;
  /** By their names in lower case. */
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
}

/** What the API description does not say of an answer; nothing: it is as described. */
export type JudgeAnswer = (answer: ObservedAnswer) => readonly string[];

/** What Node adds by itself; and the type, which the content is named by. */
const NOT_LISTED = /^(?:date|connection|keep-alive|content-length|transfer-encoding|content-type)$/;
const FAULTS_SHOWN_MAX = 5;

/** By the description that is committed. */
export function createAnswerJudge(): JudgeAnswer {
  const document = committedDocument();
  const find = createOperationFinder(document);
  const faultsOf = createSchemaJudge(document);

  /** By the pointers of responses: tens of thousands of answers are judged by the same few. */
  const headersByResponse = new Map<string, ReadonlyMap<string, Place>>();

  function headersOf(response: Place): ReadonlyMap<string, Place> {
    const known = headersByResponse.get(response.pointer);
    if (known !== undefined) return known;
    const names = Object.keys(response.value['headers'] ?? {});
    const found = new Map<string, Place>();
    for (const name of names) {
      const header = follow(document, response, 'headers', name);
      if (header !== undefined) found.set(name.toLowerCase(), header);
    }
    headersByResponse.set(response.pointer, found);
    return found;
  }

  function headerFaults({ headers }: ObservedAnswer, response: Place): string[] {
    const described = headersOf(response);
    // In the description it is optional where a connection can be refused before it has a request.
    const faults = 'x-request-id' in headers ? [] : ['header x-request-id: is missing'];
    for (const [name, { value }] of described) {
      if (value['required'] === true && !(name in headers))
        faults.push(`header ${name}: is missing`);
    }
    for (const [name, value] of Object.entries(headers)) {
      const header = described.get(name);
      if (header !== undefined) faults.push(...faultsOf(`header ${name}`, header, value));
      else if (!NOT_LISTED.test(name)) faults.push(`header ${name}: is not described`);
    }
    return faults;
  }

  function bodyFaults({ method, headers, body }: ObservedAnswer, response: Place): string[] {
    const type = headers['content-type'];
    if (response.value['content'] === undefined) {
      return body === '' && type === undefined ? [] : ['body: none is described'];
    }
    const content = type === undefined ? undefined : follow(document, response, 'content', type);
    if (content === undefined) return [`content type ${type}: is not described`];
    if (method === 'HEAD') return [];
    return faultsOf('body', content, /\bjson$/.test(type ?? '') ? parsed(body) : body);
  }

  return (answer) => {
    const { method, url, status, headers } = answer;
    const { id, place, allow } = find(method, url);
    const response = follow(document, place, 'responses', String(status));
    const faults =
      response === undefined
        ? ['status: is not described']
        : [...headerFaults(answer, response), ...bodyFaults(answer, response)];
    if (status === 405 && headers['allow'] !== allow && !isSame(headers['allow'], allow)) {
      faults.push(`header allow: the description has ${allow?.join(', ')}`);
    }
    return faults.map((fault) => `${method} ${url} ${status} (${id}): ${fault}`);
  };
}

/** HEAD comes with GET, and is not described by itself. */
function isSame(header = '', described: readonly string[] = []): boolean {
  const methods = header.split(', ').filter((method) => method !== 'HEAD');
  return methods.sort().join() === [...described].sort().join();
}

/** Says what is wrong with a value by the schema below a place. */
function createSchemaJudge(document: Json) {
  // A header is text, and is judged as what its schema takes it for.
  const judges = { body: createAjv(document, false), header: createAjv(document, true) };

  return (what: string, { pointer }: Place, value: unknown): string[] => {
    const ajv = what === 'body' ? judges.body : judges.header;
    const validate = ajv.getSchema(`api${pointer}/schema`);
    if (validate === undefined) throw new Error(`there is no schema at ${pointer}`);
    if (validate(value) === true) return [];
    return (validate.errors ?? [])
      .slice(0, FAULTS_SHOWN_MAX)
      .map(({ instancePath, message, params }) =>
        [`${what}:`, instancePath, message, JSON.stringify(params)].filter(Boolean).join(' '),
      );
  };
}

function createAjv(document: Json, coerceTypes: boolean): Ajv2020 {
  const ajv = new Ajv2020({ strict: false, coerceTypes });
  formats.default(ajv);
  // It is no schema itself, but full of them.
  ajv.addSchema(document, 'api', undefined, false);
  return ajv;
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
