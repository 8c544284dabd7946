const BAR_WIDTH = 30;
const BAR_INTERVAL_MS = 100;
const LINE_INTERVAL_MS = 5_000;

interface ProgressView {
  readonly settledCount: number;
}

/** Shows a bar on a terminal, else a line every few seconds; returns a function that ends it. */
export function showProgress(
  stream: NodeJS.WriteStream,
  progress: ProgressView,
  total: number,
): () => void {
  const draw = () => {
    const share = total === 0 ? 1 : progress.settledCount / total;
    const counts = `${progress.settledCount} of ${total} steps, ${Math.floor(share * 100)} %`;
    if (!stream.isTTY) {
      stream.write(`${counts}\n`);
      return;
    }
    const filled = Math.floor(share * BAR_WIDTH);
    const bar = '#'.repeat(filled) + '.'.repeat(BAR_WIDTH - filled);
    stream.write(`\r[${bar}] ${counts}`);
  };
  const timer = setInterval(draw, stream.isTTY ? BAR_INTERVAL_MS : LINE_INTERVAL_MS);
  return () => {
    clearInterval(timer);
    draw();
    if (stream.isTTY) stream.write('\n');
  };
}
