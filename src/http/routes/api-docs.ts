import { hash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import path from 'node:path';
import type { IRouter, NextFunction, Request, Response } from 'express';
import helmet from 'helmet';
import pathOfSwaggerUi from 'swagger-ui-dist/absolute-path.js';
import { packageFile } from '../../package-files.js';
import { READ, type SendAnswer } from '../answer.js';
import { isKnown } from '../preconditions.js';
import { RequestError } from '../request-error.js';
import { refuseQuery } from '../request-input.js';
import { methodNotAllowed } from '../route-deps.js';

/** The files that the page loads, and their media types. */
export const PAGE_FILES = {
  'swagger-ui.css': 'text/css; charset=utf-8',
  'swagger-ui-bundle.js': 'text/javascript; charset=utf-8',
  'start.js': 'text/javascript; charset=utf-8',
} as const;

type PageFile = keyof typeof PAGE_FILES;

// URLs are relative, so that the page also works behind a proxy that strips a path prefix.
const PAGE = `<!doctype html>
<html lang="en">
  <head>
    <meta charset="utf-8">
    <meta name="viewport" content="width=device-width, initial-scale=1">
    <title>Inventory API</title>
    <link rel="icon" href="data:,">
    <link rel="stylesheet" href="docs/swagger-ui.css">
  </head>
  <body>
    <div id="api"></div>
    <script src="docs/swagger-ui-bundle.js"></script>
    <script src="docs/start.js"></script>
  </body>
</html>
`;

const START = `SwaggerUIBundle({
  url: 'api/openapi.json',
  dom_id: '#api',
  deepLinking: true,
  displayRequestDuration: true,
});
`;

/** Only for the page: on answers of the API these headers would cost more than they are worth. */
const protectPage = helmet({
  contentSecurityPolicy: {
    useDefaults: false,
    directives: {
      defaultSrc: ["'none'"],
      scriptSrc: ["'self'"],
      styleSrc: ["'self'"],
      imgSrc: ["'self'", 'data:'],
      connectSrc: ["'self'"],
      baseUri: ["'none'"],
      formAction: ["'none'"],
      frameAncestors: ["'none'"],
    },
  },
  // Whether TLS is in use is known only where it is terminated, not here.
  strictTransportSecurity: false,
  // Only for obsolete browsers.
  xDnsPrefetchControl: false,
  xDownloadOptions: false,
  xPermittedCrossDomainPolicies: false,
  xXssProtection: false,
});

/** The committed API description, and a page that shows it without access to the internet. */
export function apiDocsRoutes(router: IRouter, { send }: { readonly send: SendAnswer }): void {
  const description = readFileSync(packageFile('docs/openapi.json'));
  /** Read at first use, and then kept. */
  const files = new Map<PageFile, StoredFile>();
  const onlyGet = methodNotAllowed('GET', 'HEAD');
  router.route('/api/openapi.json').get(describe).all(onlyGet);
  router.route('/docs').get(checkQuery, protectPage, page).all(onlyGet);
  router.route('/docs/:file').get(checkFile, protectPage, pageFile).all(onlyGet);

  function describe(request: Request, response: Response): void {
    refuseQuery(request);
    send(request, response, { status: 200, headers: READ, body: description });
  }

  function page(request: Request, response: Response): void {
    send(request, response, { status: 200, headers: [...HTML, ...REVALIDATED], body: PAGE });
  }

  function pageFile(request: Request<{ file: PageFile }>, response: Response): void {
    const { type, etag, bytes } = stored(request.params.file);
    const headers = [...REVALIDATED, 'ETag', etag];
    if (isKnown(request.headers, etag.slice(1, -1))) {
      send(request, response, { status: 304, headers, body: '' });
    } else {
      headers.push('Content-Type', type);
      send(request, response, { status: 200, headers, body: bytes });
    }
  }

  function stored(name: PageFile): StoredFile {
    let file = files.get(name);
    if (file === undefined) {
      file = readPageFile(name);
      files.set(name, file);
    }
    return file;
  }
}

const HTML = ['Content-Type', 'text/html; charset=utf-8'];
const REVALIDATED = ['Cache-Control', 'no-cache'];

// Refusals come before `protectPage`: a problem document has no use for the page's headers.

function checkQuery(request: Request, _response: Response, next: NextFunction): void {
  refuseQuery(request);
  next();
}

function checkFile(request: Request<{ file: PageFile }>, _: Response, next: NextFunction): void {
  refuseQuery(request);
  if (Object.hasOwn(PAGE_FILES, request.params.file)) next();
  else throw new RequestError('not-found', 'The page has no such file.');
}

interface StoredFile {
  readonly type: string;
  readonly etag: string;
  readonly bytes: Buffer;
}

function readPageFile(name: PageFile): StoredFile {
  const bytes =
    name === 'start.js' ? Buffer.from(START) : readFileSync(path.join(pathOfSwaggerUi(), name));
  const etag = `"${hash('sha256', bytes, 'base64url')}"`;
  return { type: PAGE_FILES[name], etag, bytes };
}
