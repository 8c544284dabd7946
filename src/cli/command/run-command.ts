/** A command of the package: what it says about itself, its arguments, and what it does. */
export interface CliCommand<T> {
  readonly usage: string;
  /** Throws UsageError, or the TypeError of `parseArgs`, for arguments that cannot be used. */
  readonly parse: (args: string[]) => T | 'help';
  /** Resolves with the exit code. */
  readonly run: (wanted: T) => Promise<number>;
}

/** Arguments that cannot be used: the message says why. */
export class UsageError extends Error {
  override readonly name = 'UsageError';
}

const EXIT_USAGE = 2;

/** Resolves with the exit code. */
export async function runCommand<T>({ usage, parse, run }: CliCommand<T>): Promise<number> {
  let wanted: T | 'help';
  try {
    wanted = parse(process.argv.slice(2));
  } catch (error) {
    if (!(error instanceof UsageError || error instanceof TypeError)) throw error;
    console.error(`${error.message}\n\n${usage}`);
    return EXIT_USAGE;
  }
  if (wanted === 'help') {
    console.log(usage);
    return 0;
  }
  return await run(wanted);
}
