/** Why a source could not be read, in words that may be shown to an operator. */
export class SourceError extends Error {
  override readonly name: string = 'SourceError';
}

/** What answers under the source's name is not the data that was folded before. */
export class OtherDataError extends SourceError {
  override readonly name = 'OtherDataError';
}
