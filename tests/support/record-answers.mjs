// Imported into every spawned server (spawned-server.ts): keeps its answers for the test to judge.
import { openSync, writeSync } from 'node:fs';
import { watchAnswers } from './watch-answers.mjs';

const { ANSWERS_FILE } = process.env;
if (ANSWERS_FILE !== undefined) {
  // A server may have several processes: one that is killed leaves half a line in its own file.
  const file = openSync(`${ANSWERS_FILE}-${process.pid}`, 'a');
  watchAnswers((answer) => void writeSync(file, `${JSON.stringify(answer)}\n`));
}
