// Loaded into the servers of the benchmark, so that their memory can be measured without what is garbage, and without
// what the start of a program leaves in an untidy heap.
process.on('SIGUSR2', () => {
  globalThis.gc({ execution: 'sync', type: 'major', flavor: 'last-resort' });
  if (process.env.MEMORY) console.error(process.memoryUsage());
});
