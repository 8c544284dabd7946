/** Why a source could not be read; the message may be shown to an operator. */
export class SourceError extends Error {
  override readonly name: string = 'SourceError';
}

/** The data behind the source's name is not the data that was folded before. */
export class OtherDataError extends SourceError {
  override readonly name = 'OtherDataError';
}
