import { setTimeout as sleep } from 'node:timers/promises';
import { type Answer, Connection } from './connection.js';
import { type LoadRequest, requestText } from './load.js';
import type { Measured } from './process.js';

/**
 * What happened within the time that counts, whenever those came to whom it happened: whoever is
 * served later, when nobody comes any more, says nothing of what is done under load.
 */
export interface Crowd {
  came: number;
  /** Had their answer within their patience. */
  served: number;
  /** Were told 503 to the end. */
  turnedAway: number;
  /** Had no answer in time: what became of their request nobody knows. */
  unanswered: number;
  /** Found no free connection for as long as they were patient: never sent. */
  neverSent: number;
  /** Of all attempts: 503. */
  refusals: number;
  /** Of all, also before and after the time that counts. */
  acknowledged: number;
  unknown: number;
  /** Of the attempts that were served, ms. */
  readonly latencies: number[];
}

export interface CrowdOptions {
  /** How many come in a second, whatever became of those before. */
  readonly perSecond: number;
  readonly seconds: number;
  /** Not counted, at the beginning. */
  readonly warmUpSeconds: number;
}

/** More than a server is meant to have in its queue: 1,000. */
const CONNECTIONS_MAX = 3_000;
/** How many wait for a connection; whoever finds so many before them does not. */
const WAITING_MAX = 3_000;
/** How long a user waits for an answer. */
const ANSWER_MS_MAX = 2_000;
/** And how often they ask, each time after what `Retry-After` says, and up to as long again. */
const ATTEMPTS_MAX = 3;

interface Waiting {
  readonly until: number;
  readonly resolve: (connection: Connection | undefined) => void;
}

/** An open loop of users who ask again when they are told to, and give up in the end. */
export async function runCrowd(
  server: Measured,
  make: () => LoadRequest,
  { perSecond, seconds, warmUpSeconds }: CrowdOptions,
): Promise<Crowd> {
  const crowd: Crowd = {
    came: 0,
    served: 0,
    turnedAway: 0,
    unanswered: 0,
    neverSent: 0,
    refusals: 0,
    acknowledged: 0,
    unknown: 0,
    latencies: [],
  };
  const all = new Set<Connection>();
  const idle: Connection[] = [];
  const waiting: Waiting[] = [];
  let opening = 0;
  const startedAt = performance.now();
  const countsFrom = startedAt + warmUpSeconds * 1_000;
  const countsUntil = countsFrom + seconds * 1_000;

  function counts(): boolean {
    const now = performance.now();
    return now >= countsFrom && now < countsUntil;
  }

  async function connection(): Promise<Connection | undefined> {
    const free = idle.pop();
    if (free !== undefined) return free;
    if (all.size + opening >= CONNECTIONS_MAX) {
      if (waiting.length >= WAITING_MAX) return undefined;
      const until = performance.now() + ANSWER_MS_MAX;
      return await new Promise((resolve) => waiting.push({ until, resolve }));
    }
    opening += 1;
    const made = await Connection.open(server.url);
    opening -= 1;
    all.add(made);
    return made;
  }

  /** To whoever waits for one, and is still there. */
  function hand(on: Connection): void {
    const next = waiting.shift();
    if (next === undefined) idle.push(on);
    else next.resolve(on);
  }

  function sendHome(): void {
    const now = performance.now();
    while (waiting[0] !== undefined && waiting[0].until < now) waiting.shift()?.resolve(undefined);
  }

  /** Undefined: no answer in time; then the connection is of no use any more. */
  async function ask(on: Connection, text: string): Promise<Answer | undefined> {
    let timer: NodeJS.Timeout | undefined;
    const late = new Promise<undefined>((resolve) => {
      // What has arrived and was not looked at yet is in time: the client may be the one who is late.
      timer = setTimeout(() => setImmediate(resolve, undefined), ANSWER_MS_MAX);
    });
    const answer = await Promise.race([on.ask(text).catch(() => undefined), late]);
    clearTimeout(timer);
    if (answer === undefined || /^connection: close/im.test(answer.head)) {
      on.close();
      all.delete(on);
      if (waiting.length > 0) {
        opening += 1;
        const made = await Connection.open(server.url);
        opening -= 1;
        all.add(made);
        hand(made);
      }
    } else hand(on);
    return answer;
  }

  async function user(): Promise<void> {
    let text: string | undefined;
    let status = 0;
    const note = (what: 'served' | 'turnedAway' | 'unanswered' | 'neverSent'): void => {
      if (counts()) crowd[what] += 1;
    };
    for (let attempt = 1; ; attempt += 1) {
      const on = await connection();
      if (on === undefined) {
        note('neverSent');
        return;
      }
      if (text === undefined) {
        const request = make();
        text = requestText(request);
        status = request.status;
      }
      const askedAt = performance.now();
      const answer = await ask(on, text);
      if (answer === undefined) {
        crowd.unknown += 1;
        note('unanswered');
        return;
      }
      if (answer.status === status) {
        crowd.acknowledged += 1;
        if (counts()) crowd.latencies.push(performance.now() - askedAt);
        note('served');
        return;
      }
      if (answer.status !== 503) throw new Error(`${answer.head}\n${answer.body}`);
      if (counts()) crowd.refusals += 1;
      if (attempt === ATTEMPTS_MAX) {
        note('turnedAway');
        return;
      }
      const seconds = Number(/^retry-after: *(\d+)/im.exec(answer.head)?.[1] ?? 1);
      await sleep(seconds * 1_000 * (1 + Math.random()));
    }
  }

  const users: Promise<void>[] = [];
  for (let sent = 0; performance.now() < countsUntil;) {
    const due = Math.floor(((performance.now() - startedAt) / 1_000) * perSecond);
    sendHome();
    for (; sent < due; sent += 1) {
      if (counts()) crowd.came += 1;
      users.push(user());
    }
    await sleep(1);
  }
  const patience = setInterval(sendHome, 10);
  await Promise.all(users);
  clearInterval(patience);
  for (const each of all) each.close();
  return crowd;
}
