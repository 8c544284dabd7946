/** A command of the package: its usage text, its arguments, its action. */
export interface CliCommand<T> {
  readonly usage: string;
  /** Undefined, or the TypeError of `parseArgs`: wrong usage. */
  readonly parse: (args: string[]) => T | 'help' | undefined;
  /** Resolves with the exit code. */
  readonly run: (wanted: T) => Promise<number>;
}

const EXIT_USAGE = 2;

/** Resolves with the exit code. */
export async function runCommand<T>({ usage, parse, run }: CliCommand<T>): Promise<number> {
  const wanted = parsed(parse);
  if (wanted === undefined) {
    console.error(usage);
    return EXIT_USAGE;
  }
  if (wanted === 'help') {
    console.log(usage);
    return 0;
  }
  return await run(wanted);
}

function parsed<T>(parse: CliCommand<T>['parse']): T | 'help' | undefined {
  try {
    return parse(process.argv.slice(2));
  } catch (error) {
    if (error instanceof TypeError) return undefined;
    throw error;
  }
}
