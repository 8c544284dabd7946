import { afterEach, describe, expect, it } from 'vitest';
import { consoleSteps, normalized, runConsole } from '../support/console-session.js';
import { cleanUp, spawnServer, temporaryDirectory } from '../support/spawned-server.js';

describe('every command that a document shows', () => {
  afterEach(cleanUp);

  it.each(['README.md', 'run.md'])('of %s prints what it says', async (file) => {
    const steps = consoleSteps(file);
    expect(steps.length).toBeGreaterThan(5);
    const data = temporaryDirectory();
    const server = await spawnServer({ dataDir: `${data}/inventory` });
    const replace = (text: string): string =>
      text
        .replaceAll('http://127.0.0.1:3000', server.url)
        .replaceAll(/\bdata\/(?=inventory|backup|restored)/g, `${data}/`);

    const outputs = await runConsole(steps, replace, {});

    for (const [index, { command, expected }] of steps.entries()) {
      expect({ command, output: normalized(outputs[index] ?? '') }).toEqual({
        command,
        output: normalized(replace(expected)),
      });
    }
  });
});
