/**
 * A small model of how several processes write one log (ARCHITECTURE.md, "Several processes"), for
 * an exhaustive search. One unit is in stock; every job asks for it under an idempotency key, some
 * under the same one. A step is what no other process can see half of. Anything may happen between
 * two steps: another process's step, a kill, a loss of power, an error of a sync.
 *
 * Leases are not in it: a lease may be stolen at any moment, so that a process which must not rely
 * on it may as well act as if everybody had it always. Without the rule `lock` they are all there is.
 */

/** What makes the protocol safe. The search must find out when any one of them is missing. */
export const RULES = {
  lock: 'a turn begins with append.lock',
  catchUp: 'a turn decides on the log up to the watermark',
  cut: 'a turn cuts what lies beyond the watermark',
  wholeTurn: 'the lock is held until the watermark is raised',
  syncFirst: 'the watermark is raised after the sync',
  markFirst: 'an answer is given after the watermark was raised',
  dieOfSync: 'a process whose sync failed ends',
  readsLook: 'a read looks at the watermark first',
  readsEnd: 'a read ends at the watermark',
  aloneRepairs: 'only who is alone recovers',
  keptIsDurable: 'a recovery makes durable what it keeps',
  keyOnce: 'a key that has an answer gets no other',
} as const;

export type Rule = keyof typeof RULES;

/** In the page cache: `dirty` until a sync; after a failed sync it looks written, and is `lost`. */
type OnDisk = 'dirty' | 'disk' | 'lost';

interface Entry {
  /** Key and outcome, `A+` or `A-`; of a write that a kill interrupted: `torn`. */
  readonly what: string;
  readonly state: OnDisk;
}

type Phase =
  'dead' | 'idle' | 'turn' | 'caughtUp' | 'clean' | 'decided' | 'written' | 'synced' | 'told';

interface Process {
  readonly phase: Phase;
  /** The log as it has folded it. */
  readonly view: readonly string[];
  /** How many of its jobs are answered. */
  readonly done: number;
  /** What it is about to write; undefined: its key has an answer already. */
  readonly draft: string | undefined;
}

export interface State {
  readonly log: readonly Entry[];
  readonly mark: number;
  readonly holder: number | undefined;
  readonly processes: readonly Process[];
  /** The longest log that any client was shown or had an answer from. */
  readonly shown: readonly string[];
  /** Which outcomes clients were told, by key. */
  readonly told: readonly string[];
  readonly kills: number;
  readonly powerLosses: number;
  readonly syncErrors: number;
}

export interface Scenario {
  /** The keys that each process asks with, one after the other. */
  readonly jobs: readonly (readonly string[])[];
  readonly faults: Pick<State, 'kills' | 'powerLosses' | 'syncErrors'>;
}

export interface Finding {
  readonly states: number;
  /** How it goes wrong, step by step; undefined: it never does. */
  readonly violation: readonly string[] | undefined;
}

const DEAD: Process = { phase: 'dead', view: [], done: 0, draft: undefined };

type Step = readonly [name: string, next: State | string];

/** Breadth first, so that what is found is as short as can be. */
export function search(scenario: Scenario, without?: Rule): Finding {
  const first: State = {
    log: [],
    mark: 0,
    holder: undefined,
    shown: [],
    told: [],
    processes: scenario.jobs.map(() => DEAD),
    ...scenario.faults,
  };
  const queue: State[] = [first];
  const cameBy: { readonly from: number; readonly name: string }[] = [{ from: -1, name: 'start' }];
  const known = new Set([JSON.stringify(first)]);
  const pathTo = (index: number): string[] => {
    const path: string[] = [];
    for (let at = index; at > 0; at = cameBy[at]!.from) path.unshift(cameBy[at]!.name);
    return path;
  };
  for (let index = 0; index < queue.length; index += 1) {
    for (const [name, next] of steps(queue[index]!, scenario, (rule) => rule !== without)) {
      const wrong = typeof next === 'string' ? next : wrongIn(next);
      if (wrong !== undefined)
        return { states: known.size, violation: [...pathTo(index), name, wrong] };
      const text = JSON.stringify(next);
      if (known.has(text)) continue;
      known.add(text);
      queue.push(next as State);
      cameBy.push({ from: index, name });
    }
  }
  return { states: known.size, violation: undefined };
}

/** What may never be, of the log up to the watermark and of what clients know. */
function wrongIn({ log, mark, shown, told }: State): string | undefined {
  const whole = log.map(({ what }) => what);
  const final = whole.slice(0, mark);
  if (shown.some((what, place) => whole[place] !== what)) return 'P1: what was shown is gone';
  if (final.filter((what) => what.endsWith('+')).length > 1) return 'P3: the unit is sold twice';
  const keys = final.map((what) => what[0]);
  if (new Set(keys).size < keys.length) return 'P4: a key has two effects';
  if (new Set(told.map((what) => what[0])).size < told.length) return 'P4: a key has two answers';
  return undefined;
}

function steps(state: State, scenario: Scenario, keeps: (rule: Rule) => boolean): Step[] {
  const all = state.processes.flatMap((process, id) =>
    process.phase === 'dead'
      ? started(state, id, keeps)
      : [
          ...turnStep(state, id, scenario, keeps),
          ...reading(state, id, keeps),
          ...killed(state, id),
        ],
  );
  return state.powerLosses > 0 ? [...all, ...powerLost(state)] : all;
}

function change(state: State, id: number, process: Partial<Process>, more?: Partial<State>): State {
  const processes = state.processes.map((each, at) => (at === id ? { ...each, ...process } : each));
  return { ...state, ...more, processes };
}

function started(state: State, id: number, keeps: (rule: Rule) => boolean): Step[] {
  const alone = state.processes.every(({ phase }) => phase === 'dead');
  if (!alone && keeps('aloneRepairs')) {
    const view = state.log.slice(0, state.mark).map(({ what }) => what);
    return [[`${id} joins`, change(state, id, { phase: 'idle', view })]];
  }
  const torn = state.log.findIndex(({ what }) => what === 'torn');
  const kept = torn < 0 ? state.log : state.log.slice(0, torn);
  const log = kept.map((entry): Entry =>
    keeps('keptIsDurable') ? { ...entry, state: 'disk' } : entry,
  );
  const view = log.map(({ what }) => what);
  return [
    [`${id} recovers`, change(state, id, { phase: 'idle', view }, { log, mark: log.length })],
  ];
}

/** The next step of a process's own work. */
function turnStep(
  state: State,
  id: number,
  scenario: Scenario,
  keeps: (rule: Rule) => boolean,
): Step[] {
  const process = state.processes[id]!;
  const { log, mark } = state;
  const key = scenario.jobs[id]![process.done];
  const to = (name: string, own: Partial<Process>, more?: Partial<State>): Step[] => [
    [`${id} ${name}`, change(state, id, own, more)],
  ];
  switch (process.phase) {
    case 'dead':
      return [];
    case 'idle':
      if (key === undefined) return [];
      if (!keeps('lock')) return to('begins', { phase: 'turn' });
      if (state.holder !== undefined) return [];
      return to('takes the lock', { phase: 'turn' }, { holder: id });
    case 'turn': {
      const view = keeps('catchUp') ? log.slice(0, mark).map(({ what }) => what) : process.view;
      return to('catches up', { phase: 'caughtUp', view });
    }
    case 'caughtUp':
      return to('cuts', { phase: 'clean' }, keeps('cut') ? { log: log.slice(0, mark) } : {});
    case 'clean': {
      const known = process.view.find((what) => what[0] === key);
      if (known !== undefined && keeps('keyOnce')) return answered(state, id, known);
      const sold = process.view.some((what) => what.endsWith('+'));
      return to('decides', { phase: 'decided', draft: `${key}${sold ? '-' : '+'}` });
    }
    case 'decided': {
      const entry: Entry = { what: process.draft!, state: 'dirty' };
      const holder = keeps('wholeTurn') ? state.holder : released(state, id);
      return to('writes', { phase: 'written' }, { log: [...log, entry], holder });
    }
    case 'written':
      return [...synced(state, id, keeps), ...failedToSync(state, id, keeps)];
    case 'synced': {
      if (!keeps('markFirst')) return answered(state, id, process.draft!);
      const view = log.map(({ what }) => what);
      return to(
        'raises the watermark',
        { phase: 'told', view, draft: process.draft },
        { mark: log.length },
      );
    }
    case 'told':
      return answered(state, id, process.draft!);
  }
}

function released({ holder }: State, id: number): number | undefined {
  return holder === id ? undefined : holder;
}

/** Lets go of the lock, and answers: the log up to the answer is known to a client then. */
function answered(state: State, id: number, what: string): Step[] {
  const { done } = state.processes[id]!;
  const whole = state.log.map((entry) => entry.what);
  const place = whole.lastIndexOf(what);
  const shown = place + 1 > state.shown.length ? whole.slice(0, place + 1) : state.shown;
  const told = state.told.includes(what) ? state.told : [...state.told, what].sort();
  const own: Partial<Process> = { phase: 'idle', done: done + 1, draft: undefined };
  const next = change(state, id, own, { holder: released(state, id), shown, told });
  return [[`${id} answers ${what}`, place < 0 ? 'P1: what is answered is not in the log' : next]];
}

function synced(state: State, id: number, keeps: (rule: Rule) => boolean): Step[] {
  const log = keeps('syncFirst')
    ? state.log.map((entry): Entry =>
        entry.state === 'dirty' ? { ...entry, state: 'disk' } : entry,
      )
    : state.log;
  return [[`${id} syncs`, change(state, id, { phase: 'synced' }, { log })]];
}

function failedToSync(state: State, id: number, keeps: (rule: Rule) => boolean): Step[] {
  if (state.syncErrors === 0) return [];
  const log = state.log.map((entry): Entry =>
    entry.state === 'dirty' ? { ...entry, state: 'lost' } : entry,
  );
  const more = { log, syncErrors: state.syncErrors - 1 };
  if (!keeps('dieOfSync')) {
    return [[`${id} fails to sync, and tries again`, change(state, id, {}, more)]];
  }
  const { done } = state.processes[id]!;
  const ended = change(state, id, { ...DEAD, done }, { ...more, holder: released(state, id) });
  return [[`${id} fails to sync, and ends`, ended]];
}

/** Must show all that anybody was shown before: clients talk to each other. */
function reading(state: State, id: number, keeps: (rule: Rule) => boolean): Step[] {
  const whole = state.log.map(({ what }) => what);
  const end = keeps('readsEnd') ? state.mark : whole.length;
  const view = keeps('readsLook') ? whole.slice(0, end) : state.processes[id]!.view;
  if (view.length < state.shown.length)
    return [[`${id} reads`, 'P2: a read shows less than one before']];
  if (view.length === state.shown.length) return [];
  return [[`${id} reads`, { ...state, shown: view }]];
}

function killed(state: State, id: number): Step[] {
  if (state.kills === 0) return [];
  const { phase, done } = state.processes[id]!;
  const more = { kills: state.kills - 1, holder: released(state, id) };
  const ended: Step = [`${id} is killed`, change(state, id, { ...DEAD, done }, more)];
  if (phase !== 'decided') return [ended];
  const log: Entry[] = [...state.log, { what: 'torn', state: 'dirty' }];
  return [
    ended,
    [`${id} is killed while it writes`, change(state, id, { ...DEAD, done }, { ...more, log })],
  ];
}

/** The disk keeps what is on it, and of the rest what it likes; behind a gap nothing is left. */
function powerLost(state: State): Step[] {
  const firstLost = state.log.findIndex((entry) => entry.state === 'lost');
  const most = firstLost < 0 ? state.log.length : firstLost;
  const firstDirty = state.log.findIndex((entry) => entry.state === 'dirty');
  const least = Math.min(most, firstDirty < 0 ? state.log.length : firstDirty);
  const processes = state.processes.map(({ done }) => ({ ...DEAD, done }));
  return Array.from({ length: most - least + 1 }, (_, more): Step => {
    const log = state.log
      .slice(0, least + more)
      .map((entry): Entry => ({ ...entry, state: 'disk' }));
    const mark = Math.min(state.mark, log.length);
    const next = {
      ...state,
      log,
      mark,
      processes,
      holder: undefined,
      powerLosses: state.powerLosses - 1,
    };
    return [`the power fails, ${log.length} are left`, next];
  });
}
