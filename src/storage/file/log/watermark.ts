/**
 * The file `watermark`: how far the log is known to be durable, written over in place, one line of
 * always the same length:
 *
 *   {"durable":812                                                       ,"crc":"1b2c3d4e"}
 *   {"durable":812,"segment":1,"bytes":310224,"last":"9af31c02"          ,"crc":"…"}
 *
 * The second form is that of several processes (shared/mark-file.ts): where in which segment that
 * is, and the crc of the line that ends there.
 *
 * After an unclean stop it tells an active segment that was cut short by somebody from one that
 * simply ends there. It is written after the sync that it speaks of, and never synced itself: a
 * crash of the process leaves it right, a power loss may leave an older one, and none is ever ahead
 * of the log. It lies within one sector, so that it is never half of two.
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
  /** Says that everything up to `durable` is: whatever ends this process then, it has been said. */
  raise(durable: number): void;
  close(): Promise<void>;
}

/** 0: there is none, or it says nothing that can be trusted. */
export async function readWatermark(fileSystem: FileSystem, path: string): Promise<number> {
  return (await readWatermarkFields(fileSystem, path))?.durable ?? 0;
}

/** Undefined: the same. */
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

/** Undefined: it says nothing that can be trusted. */
export function parseWatermark(bytes: Buffer): WatermarkFields | undefined {
  const line = bytes.subarray(0, -1);
  return hasValidCrc(line) ? (JSON.parse(line.toString('latin1')) as WatermarkFields) : undefined;
}

/** A second safeguard, and only that: an error of it is said once, and stops nothing. */
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
