// Imported into every spawned server (spawned-server.ts): keeps its answers for the test to judge.
import { openSync, writeSync } from 'node:fs';
import { watchAnswers } from './watch-answers.mjs';

const { ANSWERS_FILE } = process.env;
if (ANSWERS_FILE !== undefined) {
  const file = openSync(ANSWERS_FILE, 'a');
  watchAnswers((answer) => void writeSync(file, `${JSON.stringify(answer)}\n`));
}
