import { readFileSync } from 'node:fs';
import { createApiDocument } from '../../src/http/openapi/document.js';
import { anyOtherRequest, operations } from '../../src/http/openapi/operations.js';
import { scenario } from '../../src/http/openapi/scenario.js';
import { scenarioCentral } from '../../src/http/openapi/scenario-central.js';
import { scenarioRefusals } from '../../src/http/openapi/scenario-refusals.js';
import { runExamples, startExampleService } from './example-run.js';

/** The text of the description as the sources have it now, with the answers of a real server. */
export async function apiDocumentText(): Promise<string> {
  const version = packageVersion();
  const methods = new Map([...operations, anyOtherRequest].map(({ id, method }) => [id, method]));
  const service = await startExampleService(version);
  try {
    const requests = [...scenario, ...scenarioCentral, ...scenarioRefusals];
    const examples = await runExamples(service, requests, (id) => methods.get(id) ?? '');
    return `${JSON.stringify(createApiDocument(version, examples), null, 2)}\n`;
  } finally {
    await service.stop();
  }
}

export function packageVersion(): string {
  const text = readFileSync(new URL('../../package.json', import.meta.url), 'utf8');
  return (JSON.parse(text) as { version: string }).version;
}
