import type { Clock } from '../../../system.js';
import type { AggregateState } from '../../aggregate-state.js';
import { type ActiveSegment, newSegment } from '../log/active-segment.js';
import type { LineMark } from './central-format.js';
import { EMPTY_MARK, type LoadedCentral, loadCentral } from './central-load.js';
import {
  CENTRAL_MANIFEST,
  CentralDamage,
  type CentralManifest,
  LETTERS_FILE,
  journalName,
  loadCentralManifest,
  saveCentralManifest,
} from './central-manifest.js';
import {
  type FileSystem,
  closeQuietly,
  errorCode,
  removeIfThere,
  syncFile,
  syncOrDie,
} from '../disk/file-system.js';
import { createAggregateState } from '../../aggregate-state.js';

export interface CentralOpenDeps {
  readonly root: string;
  readonly fileSystem: FileSystem;
  readonly clock: Clock;
  readonly onWarning: (message: string) => void;
}

export interface OpenedCentral {
  readonly manifest: CentralManifest;
  readonly state: AggregateState;
  readonly journal: ActiveSegment;
  readonly letters: ActiveSegment;
  readonly journalBytes: number;
}

/** Reads the central view, cuts what was never committed, and opens its files for appends. */
export async function openCentral(deps: CentralOpenDeps): Promise<OpenedCentral> {
  const { root, fileSystem } = deps;
  await fileSystem.makeDirectory(`${root}/central`);
  await syncOrDie(() => fileSystem.syncDirectory(root), root);
  const { manifest, loaded } = await loadOrBegin(deps);
  await removeLeftovers(deps, manifest);
  const newest = manifest.journals.at(-1) ?? '';
  const journal = await openAt(fileSystem, `${root}/central/${newest}`, loaded.journal);
  let letters: ActiveSegment | undefined;
  try {
    letters = await openAt(fileSystem, `${root}/${LETTERS_FILE}`, loaded.letters);
    // A power loss may have dropped the name of an empty letters file, which is then created again.
    await syncOrDie(() => fileSystem.syncDirectory(root), root);
    const { state, journalBytes } = loaded;
    return { manifest, state, journal, letters, journalBytes };
  } catch (error) {
    await closeQuietly(journal.file);
    if (letters !== undefined) await closeQuietly(letters.file);
    throw error;
  }
}

async function loadOrBegin(
  deps: CentralOpenDeps,
): Promise<{ readonly manifest: CentralManifest; readonly loaded: LoadedCentral }> {
  const { root, fileSystem } = deps;
  try {
    const manifest = await loadCentralManifest(fileSystem, root);
    if (manifest !== undefined) {
      return { manifest, loaded: await loadCentral(fileSystem, root, manifest) };
    }
  } catch (error) {
    if (!(error instanceof CentralDamage)) throw error;
    deps.onWarning(
      `the central view cannot be read (${error.message}): it is kept in quarantine/, and folded ` +
        'anew from its sources; what was discarded will be a dead letter again',
    );
  }
  await quarantineAll(deps);
  return await begin(deps);
}

async function begin({ root, fileSystem }: CentralOpenDeps) {
  const manifest: CentralManifest = { generation: 1, base: null, journals: [journalName(1)] };
  await syncFile(fileSystem, `${root}/central/${journalName(1)}`);
  await syncFile(fileSystem, `${root}/${LETTERS_FILE}`);
  await syncOrDie(() => fileSystem.syncDirectory(`${root}/central`), `${root}/central`);
  await saveCentralManifest(fileSystem, root, manifest);
  const loaded = {
    state: createAggregateState(),
    journal: EMPTY_MARK,
    letters: EMPTY_MARK,
    journalBytes: 0,
  };
  return { manifest, loaded };
}

/** The manifest is moved first: without it, no other file is used. */
async function quarantineAll({ root, fileSystem, clock }: CentralOpenDeps): Promise<void> {
  const suffix = new Date(clock.wallMs()).toISOString().replaceAll(':', '');
  const to = (name: string): string => `${root}/quarantine/${name}.${suffix}`;
  const inside = await fileSystem.list(`${root}/central`);
  await fileSystem.makeDirectory(`${root}/quarantine`);
  await moveIfThere(fileSystem, `${root}/${CENTRAL_MANIFEST}`, to(CENTRAL_MANIFEST));
  await syncOrDie(() => fileSystem.syncDirectory(root), root);
  await moveIfThere(fileSystem, `${root}/${LETTERS_FILE}`, to(LETTERS_FILE));
  for (const name of inside) await moveIfThere(fileSystem, `${root}/central/${name}`, to(name));
  for (const changed of [`${root}/quarantine`, `${root}/central`, root]) {
    await syncOrDie(() => fileSystem.syncDirectory(changed), changed);
  }
}

async function moveIfThere(fileSystem: FileSystem, from: string, to: string): Promise<void> {
  try {
    await fileSystem.rename(from, to);
  } catch (error) {
    if (errorCode(error) !== 'ENOENT') throw error;
  }
}

async function removeLeftovers(
  { root, fileSystem }: CentralOpenDeps,
  manifest: CentralManifest,
): Promise<void> {
  const named = new Set([manifest.base?.file, ...manifest.journals]);
  for (const name of await fileSystem.list(`${root}/central`)) {
    const isOurs = /^(?:base|journal)-\d{12}\.jsonl(?:\.new)?$/.test(name);
    if (isOurs && !named.has(name)) await removeIfThere(fileSystem, `${root}/central/${name}`);
  }
}

/** Opens a file for appends and truncates it to its committed part. */
async function openAt(
  fileSystem: FileSystem,
  path: string,
  mark: LineMark,
): Promise<ActiveSegment> {
  const file = await fileSystem.openAppend(path);
  try {
    if ((await file.size()) > mark.bytes) await file.truncate(mark.bytes);
    await syncOrDie(() => file.dataSync(), path);
  } catch (error) {
    await closeQuietly(file);
    throw error;
  }
  const segment = newSegment(path, file, { first: 1, lastCrc: mark.crc });
  segment.bytes = mark.bytes;
  return segment;
}
