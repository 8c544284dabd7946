import { afterEach, describe, expect, it } from 'vitest';
import { freePort } from '../../src/cluster/worker-processes.js';
import { consoleSteps, normalized, runConsole } from '../support/console-session.js';
import { cleanUp, spawnServer, temporaryDirectory } from '../support/spawned-server.js';

describe('every command that a document shows', () => {
  afterEach(cleanUp);

  it.each(['README.md', 'run.md'])('of %s prints what it says', async (file) => {
    const steps = consoleSteps(file);
    expect(steps.length).toBeGreaterThan(5);
    const data = temporaryDirectory();
    const server = await spawnServer({ dataDir: `${data}/inventory` });
    const ports = new Map([
      ['3010', await freePort('127.0.0.1')],
      ['3011', await freePort('127.0.0.1')],
    ]);
    const replace = (text: string): string =>
      text
        .replaceAll('http://127.0.0.1:3000', server.url)
        .replaceAll(/\b301[01]\b/g, (port) => String(ports.get(port)))
        .replaceAll(/\bdata\/(?=inventory|backup|restored|shared|workers|joined)/g, `${data}/`);

    const outputs = await runConsole(steps, replace, {});

    for (const [index, { command, expected }] of steps.entries()) {
      expect({ command, output: normalized(outputs[index] ?? '') }).toEqual({
        command,
        output: normalized(replace(expected)),
      });
    }
  });
});
