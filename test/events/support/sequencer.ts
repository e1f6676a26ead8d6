// A process that sequences all the time, until it is killed: node sequencer.ts <orders>

import { setTimeout as sleep } from 'node:timers/promises';
import { openReader } from '../../../src/core/reader.ts';
import { createSequencer } from '../../../src/events/sequencer.ts';
import { seeded } from '../../support/random.ts';
import { openBus, orders, silent } from './storm.ts';

const told = orders();
const random = seeded(told.seed);
const { run, start } = createSequencer(openReader(told.url, { poolSize: 2 }), openBus(told), silent);
start();
await run();
console.log('ready');
for (;;) {
  await Promise.all(Array.from({ length: random.between(1, 3) }, run));
  await sleep(random.chance(0.1) ? random.between(0, 200) : random.between(0, 20));
}
