// Writes docs/openapi.json: the API description that is committed, served and linted.
import { writeFileSync } from 'node:fs';
import { apiDocumentText } from '../tests/support/api-document.js';
import { API_DOCUMENT } from '../tests/support/committed-document.js';

writeFileSync(API_DOCUMENT, await apiDocumentText());
