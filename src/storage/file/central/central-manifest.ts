/**
 * central-inventory.json: names the files below `central/` that are the central view. Replaced
 * atomically; has its own CRC, like a log line:
 *
 *   {"format":2,"generation":3,
 *    "base":{"file":"base-000000000003.jsonl","bytes":4711,"lastCrc":"…"}|null,
 *    "journals":["journal-000000000003.jsonl"],"crc":"…"}
 *
 * The view is the base with every line of the journals applied to it in order.
 */
import { type FileSystem, errorCode, readWhole, replaceFile } from '../disk/file-system.js';
import { crcText, hasValidCrc, lineEnd } from '../format/record-format.js';

const FORMAT_VERSION = 2;
export const CENTRAL_MANIFEST = 'central-inventory.json';
export const LETTERS_FILE = 'dead-letters.jsonl';

export interface BaseEntry {
  readonly file: string;
  readonly bytes: number;
  readonly lastCrc: string;
}

export interface CentralManifest {
  /** The generation of the newest journal. */
  readonly generation: number;
  readonly base: BaseEntry | null;
  readonly journals: readonly string[];
}

/** The files of the central view cannot be used; it can be rebuilt from its sources. */
export class CentralDamage extends Error {
  override readonly name = 'CentralDamage';
}

export function baseName(generation: number): string {
  return `base-${String(generation).padStart(12, '0')}.jsonl`;
}

export function journalName(generation: number): string {
  return `journal-${String(generation).padStart(12, '0')}.jsonl`;
}

/** Undefined: there is none. */
export async function loadCentralManifest(
  fileSystem: FileSystem,
  root: string,
): Promise<CentralManifest | undefined> {
  let bytes: Buffer;
  try {
    bytes = await readWhole(fileSystem, `${root}/${CENTRAL_MANIFEST}`);
  } catch (error) {
    if (errorCode(error) === 'ENOENT') return undefined;
    throw error;
  }
  if (bytes.at(-1) !== 0x0a || !hasValidCrc(bytes.subarray(0, -1))) {
    throw new CentralDamage(`${CENTRAL_MANIFEST} is damaged (its checksum does not match)`);
  }
  const { format, ...manifest } = JSON.parse(bytes.toString('utf8')) as CentralManifest & {
    readonly format: number;
  };
  if (format === FORMAT_VERSION) return manifest;
  throw new CentralDamage(`${CENTRAL_MANIFEST} has format ${format}, not ${FORMAT_VERSION}`);
}

export async function saveCentralManifest(
  fileSystem: FileSystem,
  root: string,
  { generation, base, journals }: CentralManifest,
): Promise<void> {
  const ordered = { format: FORMAT_VERSION, generation, base, journals };
  const text = JSON.stringify(ordered).slice(0, -1);
  const bytes = Buffer.from(text + lineEnd(crcText(Buffer.from(text))));
  await replaceFile(fileSystem, { directory: root, name: CENTRAL_MANIFEST }, bytes);
}
