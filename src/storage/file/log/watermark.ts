/**
 * The file `watermark`: how far the log is known to be durable. One line of constant length,
 * overwritten in place:
 *
 *   {"durable":812                                                       ,"crc":"1b2c3d4e"}
 *   {"durable":812,"segment":1,"bytes":310224,"last":"9af31c02"          ,"crc":"…"}
 *
 * Several processes use the second form (../shared/mark-file.ts): it adds the segment, the byte at
 * which its durable part ends, and the crc of the line that ends there.
 *
 * After an unclean stop it distinguishes an active segment that was truncated from one that simply
 * ends there. It is written after the sync that it records, and never synced itself: after a crash
 * of the process it is exact, after a power loss it may be older, and it is never ahead of the log.
 * It fits into one sector, so that it is never torn.
 */
import { unreadable } from '../disk/data-directory.js';
import { type FileSystem, closeQuietly, readWhole } from '../disk/file-system.js';
import { CRC_BYTES, crcText, hasValidCrc, lineEnd } from '../format/record-format.js';

export const WATERMARK_BYTES = 128;

export interface WatermarkFields {
  readonly durable: number;
  /** The first sequence of the segment in which the log ends. */
  readonly segment?: number;
  readonly bytes?: number;
  readonly last?: string;
}

export interface Watermark {
  /** Records that everything up to `durable` is durable; the record survives the process. */
  raise(durable: number): void;
  close(): Promise<void>;
}

/** 0: there is no watermark, or it is not valid. */
export async function readWatermark(fileSystem: FileSystem, path: string): Promise<number> {
  return (await readWatermarkFields(fileSystem, path))?.durable ?? 0;
}

/** Undefined: there is no watermark, or it is not valid. */
export async function readWatermarkFields(
  fileSystem: FileSystem,
  path: string,
): Promise<WatermarkFields | undefined> {
  let bytes: Buffer;
  try {
    bytes = await readWhole(fileSystem, path);
  } catch (error) {
    if (unreadable(error) !== undefined) return undefined;
    throw error;
  }
  return parseWatermark(bytes);
}

/** Undefined: it is not valid. */
export function parseWatermark(bytes: Buffer): WatermarkFields | undefined {
  const line = bytes.subarray(0, -1);
  return hasValidCrc(line) ? (JSON.parse(line.toString('latin1')) as WatermarkFields) : undefined;
}

/** Only a second safeguard: an error is reported once, and stops nothing. */
export async function openWatermark(
  fileSystem: FileSystem,
  path: string,
  onWarning: (message: string) => void,
): Promise<Watermark> {
  let complained = false;
  const complain = (error: unknown): undefined => {
    if (!complained) onWarning(`${path} cannot be written: ${String(error)}`);
    complained = true;
  };
  const file = await fileSystem.openOverwrite(path).catch(complain);
  return {
    raise(durable) {
      try {
        file?.overwrite(watermarkLine({ durable }));
      } catch (error) {
        complain(error);
      }
    },
    async close() {
      if (file !== undefined) await closeQuietly(file);
    },
  };
}

export function watermarkLine(fields: WatermarkFields): Buffer {
  const members = JSON.stringify(fields).slice(0, -1);
  const text = members.padEnd(WATERMARK_BYTES - CRC_BYTES - 1);
  return Buffer.from(text + lineEnd(crcText(Buffer.from(text))));
}
