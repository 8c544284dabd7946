// run.mjs NAME arguments…: one command of src/cli, compiled first where needed.
import { readdirSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { ensureBuiltOrExit } from './build.mjs';

await ensureBuiltOrExit();
const commands = new URL('../dist/cli/', import.meta.url);
const names = commandNames();
const [node = process.execPath, , name = '', ...rest] = process.argv;
if (!names.includes(name)) {
  console.error(`usage: run.mjs ${names.join('|')} arguments…`);
  process.exit(2);
}
const command = new URL(`${name}.js`, commands);
process.argv = [node, fileURLToPath(command), ...rest]; // as if started directly
await import(command.href);

function commandNames() {
  const files = readdirSync(commands).filter((file) => file.endsWith('.js'));
  return files.map((file) => file.slice(0, -'.js'.length)).sort();
}
