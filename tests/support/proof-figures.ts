import { appendFileSync } from 'node:fs';

/** One line of the table that `npm run proof` prints. */
export interface ProofFigures {
  /** P1 …, as the README numbers them. */
  readonly promise: string;
  readonly fault: string;
  readonly runs: string;
  readonly checked: string;
  /** Lost, doubled, wrongly refused, overlooked: whatever must not be. */
  readonly wrong: number;
  /** Repeats it; undefined: there is no chance in it. */
  readonly seed?: number;
}

/** Says what was shown, and hands it to `npm run proof`, if that is what runs this. */
export function reportProof(figures: ProofFigures): void {
  const { promise, fault, runs, checked, wrong, seed } = figures;
  const repeat = seed === undefined ? '' : `, SEED=${seed}`;
  console.info(`${promise}: ${fault}: ${runs}; ${checked}; ${wrong} wrong${repeat}`);
  const file = process.env['PROOF_REPORT'];
  if (file !== undefined) appendFileSync(file, `${JSON.stringify(figures)}\n`);
}
