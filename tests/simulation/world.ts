import type { DurableInventory } from '../../src/application/ports.js';
import type { Command } from '../../src/domain/commands.js';
import { UnavailableError } from '../../src/domain/errors.js';
import { stockKey } from '../../src/domain/keys.js';
import { StorageFatalError } from '../../src/storage/file/disk/errors.js';
import { type FileSystem, errorCode } from '../../src/storage/file/disk/file-system.js';
import { verifyLog } from '../../src/storage/file/recovery/verify-log.js';
import type { Clock } from '../../src/system.js';
import { createSeededRandom } from '../support/seeded-random.js';
import { createSimulatedDisk } from '../support/simulated-disk.js';
import { keyedRequest } from '../support/test-storage.js';
import { type DamageVerdict, tryDamage } from './damage-trial.js';
import { Ledger, insist } from './ledger.js';
import { ROOT, type SimulatedService, openSimulatedService } from './simulated-service.js';
import { createSimulatedTime } from './simulated-time.js';
import { describeEnding, describeStep } from './story-text.js';
import type { Fault, Life, Request, Step, Story } from './story.js';

/** What a story that was played to its end has shown. */
export interface Played {
  readonly ledger: Ledger;
  /** Everything that happened, in order. */
  readonly trace: readonly string[];
  /** Every byte that is left. */
  readonly files: ReadonlyMap<string, Buffer>;
  readonly figures: Figures;
}

export interface Figures {
  /** Ends of lives other than clean stops, by what ended them. */
  readonly ends: Record<'kill' | 'power loss' | 'sync error', number>;
  fullDisks: number;
  readonly damages: Record<DamageVerdict, number>;
  clockJumps: number;
}

/** A story in which something promised did not hold, with all that happened until then. */
export class BrokenPromise extends Error {
  override readonly name = 'BrokenPromise';
  constructor(
    cause: unknown,
    readonly trace: readonly string[],
  ) {
    super(cause instanceof Error ? cause.message : String(cause), { cause });
  }
}

/** What a test does to the disk to see whether it is found. */
export type Sabotage = (fileSystem: FileSystem) => FileSystem;

/** Plays the story on a fresh directory; throws BrokenPromise. */
export async function play(story: Story, sabotage: Sabotage = (whole) => whole): Promise<Played> {
  const world = new World(story.seed, sabotage);
  try {
    for (const life of story.lives) await world.live(life);
    await world.live(LAST_LIFE);
  } catch (error) {
    throw new BrokenPromise(error, world.trace);
  }
  return world;
}

/** Nothing happens any more: what is left must be found, and be in order. */
const LAST_LIFE: Life = {
  clients: [],
  faults: [],
  ending: 'stop',
  clockMoved: 0,
  syncMs: 1,
  damage: [],
};

class World implements Played {
  readonly ledger = new Ledger();
  readonly trace: string[] = [];
  readonly figures: Figures = {
    ends: { kill: 0, 'power loss': 0, 'sync error': 0 },
    damages: { refused: 0, harmless: 0, unprovable: 0 },
    fullDisks: 0,
    clockJumps: 0,
  };
  private readonly random;
  private readonly time;
  private readonly disk;
  private life: Life = LAST_LIFE;
  private ids = 0;
  private endedBy: 'kill' | 'power loss' | 'sync error' | undefined;
  private wasClean = false;
  private defect: unknown;
  private faults: Fault[] = [];

  constructor(
    seed: number,
    private readonly sabotage: Sabotage,
  ) {
    this.random = createSeededRandom(seed);
    this.time = createSimulatedTime(this.random.fork());
    this.disk = createSimulatedDisk(this.random.fork(), {
      pause: () => this.pause(),
      shortWrites: 0.02,
    });
  }

  get files(): ReadonlyMap<string, Buffer> {
    return this.disk.files();
  }

  async live(life: Life): Promise<void> {
    const { disk, time } = this;
    this.life = life;
    this.faults = [...life.faults];
    this.endedBy = undefined;
    if (life.clockMoved !== 0) this.jump(life.clockMoved);
    if (life.ending !== 'stop') disk.dieAt(life.ending.at);
    this.tell(`a life begins (${describeEnding(life)})`);
    const { death } = disk.life;
    const wasClean = this.wasClean;
    this.wasClean = false;
    await time.until(Promise.race([this.serve(life, wasClean), death]));
    this.end(life);
    for (const damage of life.damage) {
      this.figures.damages[await tryDamage(disk.files(), damage, this.ledger)] += 1;
    }
  }

  /** From the start to a clean stop, unless death comes first. */
  private async serve(life: Life, wasClean: boolean): Promise<void> {
    const service = await this.start();
    if (service === undefined) return;
    const { said, repository } = service;
    this.tell(`recovered ${repository.recovery.events} events`);
    insist(!wasClean || repository.recovery.clean, 'a clean stop is found clean');
    // Without room what may not be durable is not shown either: there is less to compare.
    if (said.writable.length === 0) await this.ledger.check(service);
    await Promise.all(life.clients.map((steps, index) => this.client(service, steps, index + 1)));
    this.disk.room = Infinity;
    if (life.ending !== 'stop') return;
    await service.stop().catch((error: unknown) => {
      if (!(error instanceof StorageFatalError)) throw error;
      this.dieOfSync();
    });
    if (this.endedBy !== undefined) return;
    insist(said.fatal.length === 0, 'nothing fatal happens unseen');
    // Where there was no room just now, the mark may be missing.
    this.wasClean = said.writable.at(-1) === undefined && said.warnings.length === 0;
    const { differences } = await verifyLog(this.disk.life.fileSystem, ROOT);
    insist(differences.length === 0, `the snapshots are the fold: ${differences[0]}`);
    this.tell('stopped clean');
  }

  /** Undefined: it could not start. */
  private async start(): Promise<SimulatedService | undefined> {
    const onFatal = () => this.dieOfSync();
    try {
      return await openSimulatedService({
        time: this.time,
        onFatal,
        fileSystem: this.sabotage(this.disk.life.fileSystem),
        ids: { next: () => `id-${(this.ids += 1)}` },
        onDefect: (error) => {
          this.defect ??= error;
        },
      });
    } catch (error) {
      // A directory cannot be made without room, nor where a sync fails; one that is there is read.
      if (error instanceof StorageFatalError) onFatal();
      else if (errorCode(error) !== 'ENOSPC') throw error;
      return undefined;
    }
  }

  private dieOfSync(): void {
    this.endedBy = 'sync error';
    this.disk.kill();
  }

  /** One client, one step after the other, as long as the service lives. */
  private async client(
    service: SimulatedService,
    steps: readonly Step[],
    number: number,
  ): Promise<void> {
    const mine = this.disk.life;
    const time = createTimeCheck(service.repository, this.time.clock);
    for (const step of steps) {
      if (isOver(mine)) return;
      const say = (what: string) => this.tell(`client ${number}: ${describeStep(step)} → ${what}`);
      switch (step.do) {
        case 'ask':
          say(await this.ask(service, step.request, mine));
          break;
        case 'read': {
          const shown = this.ledger.beginRead(stockKey(step), lags(service));
          const record = await service.queries.record(step);
          if (isOver(mine)) return;
          shown(record);
          say(record === undefined ? 'not there' : `version ${record.version}`);
          break;
        }
        case 'wait':
          await this.time.pause(step.ms);
          break;
        case 'set clock':
          this.jump(step.ms);
      }
      if (!isOver(mine)) time.check();
    }
  }

  private async ask(
    { service, repository }: SimulatedService,
    request: Request,
    mine: { readonly over: boolean },
  ): Promise<string> {
    const attempt = this.ledger.begin(request);
    const command = ofAttempt(request, attempt.number);
    const { keyed, name } = request;
    try {
      const outcome = await service.execute(command, keyed ? keyedRequest(name) : undefined);
      if (isOver(mine)) return 'nobody heard';
      attempt.answered(outcome, repository.now());
      if (outcome.kind === 'refusal') return outcome.refusal.code;
      const { event, replayed } = outcome;
      const what = event.refusal?.code ?? event.type;
      return `event ${event.sequence}, ${what}${replayed ? ', again' : ''}`;
    } catch (error) {
      if (!(error instanceof UnavailableError)) throw error;
      if (isOver(mine)) return 'nobody heard';
      attempt.turnedAway();
      return error.code;
    }
  }

  private end({ ending }: Life): void {
    const { disk, time, figures } = this;
    const planned = ending === 'stop' ? undefined : ending.by;
    this.endedBy ??= planned;
    if (this.endedBy !== undefined) figures.ends[this.endedBy] += 1;
    this.tell(`the life ends: ${this.endedBy ?? 'by itself'}`);
    if (planned === 'power loss') disk.losePower();
    else disk.kill();
    disk.room = Infinity;
    time.forgetAll();
    insist(this.defect === undefined, `nothing goes wrong unseen: ${String(this.defect)}`);
  }

  /** What every disk operation waits for, before and after its effect; faults come in here. */
  private async pause(): Promise<void> {
    const { operations } = this.disk.life;
    const due = this.faults.filter(({ at }) => at <= operations);
    this.faults = this.faults.filter(({ at }) => at > operations);
    for (const fault of due) this.strike(fault);
    const longest = this.random.chance(0.1) ? this.life.syncMs : 1;
    await this.time.pause(this.random.next() * longest);
  }

  private strike(fault: Fault): void {
    this.tell(fault.kind);
    if (fault.kind === 'sync fails') this.disk.failNextSync();
    else if (fault.kind === 'room again') this.disk.room = Infinity;
    else {
      this.disk.room = fault.bytesLeft;
      this.figures.fullDisks += 1;
    }
  }

  private jump(ms: number): void {
    this.figures.clockJumps += 1;
    this.time.jump(ms);
    this.tell(`the wall clock is set ${ms} ms`);
  }

  private tell(what: string): void {
    this.trace.push(`${this.time.clock.monotonicMs().toFixed(1).padStart(9)} ms  ${what}`);
  }
}

/** Asked again after everything that one waits for. */
function isOver(life: { readonly over: boolean }): boolean {
  return life.over;
}

/** It started without room, and has found none since. */
function lags({ said: { writable } }: SimulatedService): boolean {
  return writable.length > 0 && !writable.includes(undefined);
}

/** Every attempt makes a hold of its own, as it does on the wire. */
function ofAttempt({ command }: Request, number: number): Command {
  if (command.type !== 'ReserveStock' || number === 1) return command;
  return { ...command, reservationId: `${command.reservationId}-${number}` };
}

/** Record time goes on like the monotonic clock, within what it is slewed by, whatever jumps. */
function createTimeCheck(
  repository: Pick<DurableInventory, 'now'>,
  clock: Clock,
): { check(): void } {
  const [recordStart, start] = [repository.now(), clock.monotonicMs()];
  return {
    check() {
      const passed = clock.monotonicMs() - start;
      const recorded = repository.now() - recordStart;
      const off = Math.abs(recorded - passed);
      insist(off <= passed * 0.001 + 2, `${recorded} ms of record time are ${passed} ms`);
    },
  };
}
