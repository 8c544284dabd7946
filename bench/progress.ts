/** What is being done, for whoever waits; the results alone go to the standard output. */
export function progress(what: string): void {
  console.error(`${(performance.now() / 1_000).toFixed(0).padStart(4)} s  ${what}`);
}
