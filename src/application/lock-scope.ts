import { assertNever } from '../assert.js';
import type { Command } from '../domain/commands.js';
import { type StockKey, stockKey } from '../domain/keys.js';
import type { TransactionScope } from './ports.js';

/** The stock records that a command itself names, each once. */
export function namedRecords(command: Command): readonly StockKey[] {
  switch (command.type) {
    case 'AdjustStock':
    case 'CountStock':
    case 'ReleaseLine':
      return [stockKey(command)];
    case 'ReserveStock':
      return unique(command.lines.map(stockKey));
    case 'TransferStock':
      return unique(
        command.lines.flatMap(({ sku }) => [
          stockKey({ storeId: command.from, sku }),
          stockKey({ storeId: command.to, sku }),
        ]),
      );
    case 'BatchStock':
      return unique(
        command.operations.map((each) =>
          stockKey(each.type === 'ReserveStock' ? each.lines[0] : each),
        ),
      );
    case 'CommitReservation':
    case 'ReleaseReservation':
    case 'ExtendReservation':
      return [];
    default:
      return assertNever(command);
  }
}

/** The reservation that a command uses, not one that it creates. */
export function namedReservation(command: Command): string | undefined {
  if (command.type === 'ReserveStock' || !('reservationId' in command)) return undefined;
  return command.reservationId;
}

function unique(keys: readonly StockKey[]): readonly StockKey[] {
  return keys.length === 1 ? keys : [...new Set(keys)];
}

/** What a command may touch; its records are computed on first use. */
export class CommandScope implements TransactionScope {
  private named: readonly StockKey[] | undefined;
  readonly reservationId: string | undefined;

  constructor(
    private readonly command: Command,
    readonly keyDigest: string | undefined,
  ) {
    this.reservationId = namedReservation(command);
  }

  get records(): readonly StockKey[] {
    return (this.named ??= namedRecords(this.command));
  }
}
