// A file that outgrew one reading wants to be two: no file under src/ has more than 250 lines.
import { readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';

const linesMax = 250;
const root = path.resolve(import.meta.dirname, '..');

const tooLong = readdirSync(path.join(root, 'src'), { recursive: true, withFileTypes: true })
  .filter((entry) => entry.isFile())
  .map((entry) => path.join(entry.parentPath, entry.name))
  .map((file) => ({ file: path.relative(root, file), lines: countLines(file) }))
  .filter(({ lines }) => lines > linesMax);

for (const { file, lines } of tooLong) {
  console.error(`${file}: ${lines} lines, more than ${linesMax}`);
}
process.exitCode = tooLong.length > 0 ? 1 : 0;

function countLines(/** @type {string} */ file) {
  const text = readFileSync(file, 'utf8');
  return text.split('\n').length - (text.endsWith('\n') ? 1 : 0);
}
