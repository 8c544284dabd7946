/**
 * The lines of the files below `central/`, each with its CRC and that of the line before (see
 * record-format.ts):
 *
 *   journal   {"source":{"name":"a","nodeId":"…","sequence":812,"at":"…Z"},
 *              "records":[["STORE001","SKU123",120,25,4], …],"letters":{"bytes":0,"crc":"00000000"},
 *              "previous":"9af31c02","crc":"1b2c3d4e"}
 *             {"dropped":"a","letters":{…},"previous":"…","crc":"…"}
 *   base      the same lines, of all sources, and at its end
 *             {"records":1000000,"letters":{…},"previous":"…","crc":"…"}
 *
 * A record: store, SKU, on hand, reserved, version, and the ranges of versions that are missing in
 * the sums, where some are. `letters`: how far dead-letters.jsonl counts, as of this line.
 */
import type { SourceProgress } from '../../application/central-aggregate.js';
import type { CentralRecord } from '../../domain/aggregate.js';
import { NO_GAPS, type VersionGaps } from '../../domain/version-gaps.js';
import { parseTime, timeText } from '../../time-text.js';

/** Where a file of lines stands. */
export interface LineMark {
  readonly bytes: number;
  /** Of its last line; FIRST_PREVIOUS: it has none. */
  readonly crc: string;
}

type DiskRecord = readonly [
  storeId: string,
  sku: string,
  onHand: number,
  reserved: number,
  version: number,
  gaps?: VersionGaps,
];

export interface DiskSource {
  readonly name: string;
  readonly nodeId: string | null;
  readonly sequence: number;
  readonly at: string | null;
}

export interface DiskStep {
  readonly source: DiskSource;
  readonly records: readonly DiskRecord[];
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

/** The text of a line up to its crc. Stores, SKUs, names and ids need no escaping. */
export function stepText(
  progress: SourceProgress,
  records: Iterable<CentralRecord>,
  frame: { readonly letters: LineMark; readonly previous: string },
): string {
  const { name, nodeId, sequence, at } = progress;
  let list = '';
  for (const record of records) list += `${list === '' ? '' : ','}${recordText(record)}`;
  return (
    `{"source":{"name":"${name}","nodeId":${JSON.stringify(nodeId ?? null)},` +
    `"sequence":${sequence},"at":${at === undefined ? 'null' : `"${timeText(at)}"`}},` +
    `"records":[${list}],${frameText(frame)}`
  );
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

export function decodeProgress({ name, nodeId, sequence, at }: DiskSource): SourceProgress {
  const time = at === null ? undefined : parseTime(at);
  return { name, nodeId: nodeId ?? undefined, sequence, at: time };
}

export function decodeRecord(disk: DiskRecord): CentralRecord {
  const [storeId, sku, onHand, reserved, version, gaps = NO_GAPS] = disk;
  return { storeId, sku, onHand, reserved, version, gaps };
}

function recordText({ storeId, sku, onHand, reserved, version, gaps }: CentralRecord): string {
  const missing = gaps.length === 0 ? '' : `,${JSON.stringify(gaps)}`;
  return `["${storeId}","${sku}",${onHand},${reserved},${version}${missing}]`;
}

function frameText({ letters, previous }: { letters: LineMark; previous: string }): string {
  const { bytes, crc } = letters;
  return `"letters":{"bytes":${bytes},"crc":"${crc}"},"previous":"${previous}"`;
}
