/** Ends the import with one line for the person who started it; anything else is a defect. */
export class ImportError extends Error {
  override readonly name = 'ImportError';
}
