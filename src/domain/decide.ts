import { assertNever } from '../assert.js';
import type { Command } from './commands.js';
import { decideBatch } from './decide-batch.js';
import { decideReserve } from './decide-reserve.js';
import { decideExtend, decideReleaseLine, decideSettle } from './decide-reservation.js';
import { decideAdjust, decideCount, decideTransfer } from './decide-stock.js';
import type { Circumstances } from './decision.js';
import type { EventDraft } from './events.js';

export type { Circumstances, DecisionView } from './decision.js';

/**
 * The outcome of a command on the given state: an event, or a refusal as a `RequestRefused` event.
 * Pure. The caller has already settled the due holds of the records that the command names.
 */
export function decide(command: Command, circumstances: Circumstances): EventDraft {
  switch (command.type) {
    case 'AdjustStock':
      return decideAdjust(command, circumstances);
    case 'CountStock':
      return decideCount(command, circumstances);
    case 'ReserveStock':
      return decideReserve(command, circumstances);
    case 'ReleaseLine':
      return decideReleaseLine(command, circumstances);
    case 'CommitReservation':
    case 'ReleaseReservation':
      return decideSettle(command, circumstances);
    case 'ExtendReservation':
      return decideExtend(command, circumstances);
    case 'TransferStock':
      return decideTransfer(command, circumstances);
    case 'BatchStock':
      return decideBatch(command, circumstances);
    default:
      return assertNever(command);
  }
}
