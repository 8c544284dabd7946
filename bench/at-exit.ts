const tasks = new Set<() => void>();
let watching = false;

/** Done when this process ends, however that comes, the last first; what is returned forgets it. */
export function atExit(task: () => void): () => void {
  if (!watching) watch();
  tasks.add(task);
  return () => void tasks.delete(task);
}

function watch(): void {
  watching = true;
  process.on('exit', () => {
    for (const task of [...tasks].reverse()) task();
  });
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
    process.on(signal, () => process.exit(1));
  }
}
