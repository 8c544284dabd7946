/**
 * The lines of the files below `central/`, each with its own CRC and that of the preceding line
 * (see ../format/record-format.ts):
 *
 *   journal   {"source":{"name":"a","nodeId":"…","sequence":812,"at":"…Z","digest":"…"},
 *              "records":{"storeId":["STORE001",…],"sku":["SKU123",…],"onHand":[120,…],
 *                 "reserved":[25,…],"version":[4,…],"gaps":[[],…]},
 *              "letters":{"bytes":0,"crc":"00000000"},"previous":"9af31c02","crc":"1b2c3d4e"}
 *             {"dropped":"a","letters":{…},"previous":"…","crc":"…"}
 *   base      the same lines, for all sources, and at its end
 *             {"records":1000000,"letters":{…},"previous":"…","crc":"…"}
 *
 * Records are stored in columns, like those of a snapshot. `gaps`: the ranges of versions missing
 * from the sums; omitted if no record of the line has any. `letters`: how far dead-letters.jsonl
 * counts as of this line.
 */
import type { SourceProgress } from '../../../application/central-aggregate.js';
import type { CentralRecord } from '../../../domain/aggregate.js';
import { NO_GAPS, type VersionGaps } from '../../../domain/version-gaps.js';
import { parseTime, timeText } from '../../../time-text.js';

/** The end of the committed part of a file of lines. */
export interface LineMark {
  readonly bytes: number;
  /** The crc of its last line; FIRST_PREVIOUS: it has none. */
  readonly crc: string;
}

interface DiskRecords {
  readonly storeId: readonly string[];
  readonly sku: readonly string[];
  readonly onHand: readonly number[];
  readonly reserved: readonly number[];
  readonly version: readonly number[];
  readonly gaps?: readonly VersionGaps[];
}

export interface DiskSource {
  readonly name: string;
  readonly nodeId: string | null;
  readonly sequence: number;
  readonly at: string | null;
  readonly digest: string | null;
}

export interface DiskStep {
  readonly source: DiskSource;
  readonly records: DiskRecords;
  readonly letters: LineMark;
  readonly previous: string;
}

export interface DiskDrop {
  readonly dropped: string;
  readonly letters: LineMark;
  readonly previous: string;
}

export interface DiskEnd {
  readonly records: number;
  readonly letters: LineMark;
  readonly previous: string;
}

export type CentralLine = DiskStep | DiskDrop | DiskEnd;

/** The text of a line up to its crc. Source names need no escaping. */
export function stepText(
  progress: SourceProgress,
  records: readonly CentralRecord[],
  frame: { readonly letters: LineMark; readonly previous: string },
): string {
  const { name, nodeId, sequence, at, digest } = progress;
  return (
    `{"source":{"name":"${name}","nodeId":${JSON.stringify(nodeId ?? null)},` +
    `"sequence":${sequence},"at":${at === undefined ? 'null' : `"${timeText(at)}"`},` +
    `"digest":${JSON.stringify(digest ?? null)}},` +
    `"records":${JSON.stringify(columnsOf(records))},${frameText(frame)}`
  );
}

function columnsOf(records: readonly CentralRecord[]): DiskRecords {
  const column = <T>(of: (record: CentralRecord) => T): T[] => records.map(of);
  return {
    storeId: column(({ storeId }) => storeId),
    sku: column(({ sku }) => sku),
    onHand: column(({ onHand }) => onHand),
    reserved: column(({ reserved }) => reserved),
    version: column(({ version }) => version),
    ...(records.some(({ gaps }) => gaps.length > 0) && { gaps: column(({ gaps }) => gaps) }),
  };
}

export function dropText(
  name: string,
  frame: { readonly letters: LineMark; readonly previous: string },
): string {
  return `{"dropped":"${name}",${frameText(frame)}`;
}

export function endText(
  records: number,
  frame: { readonly letters: LineMark; readonly previous: string },
): string {
  return `{"records":${records},${frameText(frame)}`;
}

export function decodeProgress({ name, nodeId, sequence, at, digest }: DiskSource): SourceProgress {
  const time = at === null ? undefined : parseTime(at);
  return { name, nodeId: nodeId ?? undefined, sequence, at: time, digest: digest ?? undefined };
}

export function decodeRecords(columns: DiskRecords): CentralRecord[] {
  const { storeId, onHand, reserved, version, gaps } = columns;
  return columns.sku.map((sku, index) => ({
    storeId: storeId[index] ?? '',
    sku,
    onHand: onHand[index] ?? 0,
    reserved: reserved[index] ?? 0,
    version: version[index] ?? 0,
    gaps: gaps?.[index] ?? NO_GAPS,
  }));
}

function frameText({ letters, previous }: { letters: LineMark; previous: string }): string {
  const { bytes, crc } = letters;
  return `"letters":{"bytes":${bytes},"crc":"${crc}"},"previous":"${previous}"`;
}
