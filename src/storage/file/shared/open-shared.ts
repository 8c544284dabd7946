import { assert } from '../../../assert.js';
import type { IdSource } from '../../../system.js';
import { LayeredState } from '../../layered-state.js';
import { type ActiveSegment, newSegment } from '../log/active-segment.js';
import { type DataPaths, fileNameOf, sequenceOf } from '../disk/data-directory.js';
import { DataDirectoryError } from '../disk/errors.js';
import { type FileSystem, syncOrDie } from '../disk/file-system.js';
import { MANIFEST_NAME, loadManifest } from '../log/manifest.js';
import { Offsets } from '../format/offsets.js';
import { prepareForAppends } from '../recovery/prepare.js';
import type { SharedPresence } from '../disk/presence-lock.js';
import { FIRST_PREVIOUS } from '../format/record-format.js';
import { recover } from '../recovery/recovery.js';
import { replaySealed } from '../recovery/replay.js';
import { loadNewestSnapshot } from '../snapshot/snapshot-load.js';
import type { MarkFile } from './mark-file.js';
import { type SharedManifests, createSharedManifests } from './shared-manifests.js';

export interface OpenSharedDeps {
  readonly fileSystem: FileSystem;
  readonly paths: DataPaths;
  readonly ids: IdSource;
  readonly marks: MarkFile;
  readonly presence: Pick<SharedPresence, 'isAlone' | 'share'>;
  readonly assertOurs: () => void;
  readonly onWarning: (message: string) => void;
}

/** The state found on disk; until `start` has succeeded nothing may be decided on it. */
export interface OpenedShared {
  readonly state: LayeredState;
  readonly manifests: SharedManifests;
  /** The durable part of the active segment, for reads before `start`. */
  readonly reading: { readonly name: string; readonly offsets: Offsets; readonly bytes: number };
  readonly found: {
    readonly replayed: number;
    readonly clean: boolean;
    readonly tornBytes: number;
    /** The sequence of the snapshot that the fold started from; 0: none. */
    readonly snapshotSequence: number;
    /** No other server had the directory. */
    readonly alone: boolean;
  };
  /** Prepares the log for turns; may be called again if there was no room to prepare it. */
  start(): Promise<ActiveSegment>;
}

/** Only a server that is alone repairs; if others are running, the directory needs no repair. */
export function openShared(deps: OpenSharedDeps): Promise<OpenedShared> {
  return deps.presence.isAlone ? recoverAlone(deps) : join(deps);
}

async function recoverAlone(deps: OpenSharedDeps): Promise<OpenedShared> {
  const { fileSystem, paths, marks, presence } = deps;
  const recovered = await recover(deps);
  const { state, manifest, active, replayed, clean, snapshotSequence } = recovered;
  const manifests = createSharedManifests(deps, manifest);
  const { scan, name, offsets, bytes } = active;
  const tornBytes = bytes.length - scan.goodBytes;
  const epoch = recovered.epoch + 1;
  // Released once it is prepared: it holds the whole segment in memory.
  let toPrepare: typeof recovered | undefined = recovered;
  let segment: ActiveSegment | undefined;
  return {
    state,
    manifests,
    reading: { name, offsets, bytes: scan.goodBytes },
    found: { replayed, clean, tornBytes, snapshotSequence, alone: true },
    async start() {
      if (toPrepare !== undefined) {
        segment = await prepareForAppends({ fileSystem, paths, epoch }, toPrepare, manifests);
        toPrepare = undefined;
        state.publish(state.lastSequence);
      }
      assert(segment !== undefined, 'the log was prepared');
      const { bytes: end, lastCrc } = segment;
      const durable = segment.offsets.last;
      marks.write({ durable, segment: sequenceOf(name), bytes: end, lastCrc });
      // The name of the watermark file must survive a power loss; its content need not.
      await syncOrDie(() => fileSystem.syncDirectory(paths.root), paths.root);
      presence.share();
      return segment;
    },
  };
}

/** Loads the sealed segments; the log follower reads the rest, up to the watermark. */
async function join(deps: OpenSharedDeps): Promise<OpenedShared> {
  const { fileSystem, paths } = deps;
  const manifest = await loadManifest(fileSystem, paths.root);
  if (manifest === undefined) throw new DataDirectoryError(`${paths.root} has no ${MANIFEST_NAME}`);
  const snapshot = await loadNewestSnapshot(deps, manifest);
  const state = new LayeredState(snapshot.state);
  const before = state.lastSequence;
  await replaySealed(deps, manifest.sealed, state);
  const lastSealed = manifest.sealed.at(-1);
  const first = (lastSealed?.last ?? 0) + 1;
  const name = fileNameOf(first);
  return {
    state,
    manifests: createSharedManifests(deps, manifest),
    reading: { name, offsets: new Offsets(first), bytes: 0 },
    found: {
      replayed: state.lastSequence - before,
      clean: false,
      tornBytes: 0,
      alone: false,
      snapshotSequence: snapshot.entry?.sequence ?? 0,
    },
    async start() {
      const file = await fileSystem.openAppend(`${paths.events}/${name}`);
      return newSegment(name, file, { first, lastCrc: lastSealed?.lastCrc ?? FIRST_PREVIOUS });
    },
  };
}
