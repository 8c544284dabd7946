/** Ends the import with one line for the user; any other error is a defect. */
export class ImportError extends Error {
  override readonly name = 'ImportError';
}
