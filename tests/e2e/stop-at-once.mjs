// Tells the process to stop as soon as it listens to that.
process.on('newListener', (name) => {
  if (name === 'SIGTERM') setImmediate(() => process.kill(process.pid, 'SIGTERM'));
});
