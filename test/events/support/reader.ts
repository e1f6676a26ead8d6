// A process that follows every workspace, each with one reader that never stops and one that keeps stopping and
// resuming behind its last event, until it is killed. A reader goes on where its file ends: node reader.ts <orders>

import { appendFileSync, existsSync, readFileSync, truncateSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { type Event, openDatabase } from '../../../src/core/database.ts';
import { openReader } from '../../../src/core/reader.ts';
import { openEventLog } from '../../../src/events/log.ts';
import { type Random, seeded } from '../../support/random.ts';
import { openBus, orders } from './storm.ts';

const told = orders();
const log = openEventLog(
  openDatabase(told.url, { poolSize: 3 }),
  openReader(told.url, { poolSize: 3 }),
  openBus(told),
);

/** Remembers what it read, also when it is killed in the middle of a line. */
function open(path: string) {
  let position = 0n;
  if (existsSync(path)) {
    const text = readFileSync(path, 'utf8');
    const whole = text.lastIndexOf('\n') + 1;
    truncateSync(path, Buffer.byteLength(text.slice(0, whole)));
    const last = text.slice(0, whole).split('\n').at(-2);
    if (last) position = BigInt(last.split(' ')[0] as string);
  }
  return {
    position: () => position,
    add(event: Event) {
      const { fields } = event.data as { fields: string[] };
      appendFileSync(path, `${event.position} ${event.id} ${event.customerId ?? '-'} ${fields[0]}\n`);
      position = event.position;
    },
  };
}

async function steady(workspaceId: string): Promise<void> {
  const seen = open(join(told.dir, `${told.name}-steady-${workspaceId}`));
  for await (const event of log.follow(workspaceId, seen.position(), new AbortController().signal))
    seen.add(event);
  throw new Error('A stream that nobody stopped has ended.');
}

async function restless(workspaceId: string, random: Random): Promise<void> {
  const seen = open(join(told.dir, `${told.name}-restless-${workspaceId}`));
  for (;;) {
    const abort = new AbortController();
    const events = log.follow(workspaceId, seen.position(), abort.signal);
    let left = random.chance(0.2) ? random.between(200, 700) : random.between(0, 30);
    // Sometimes in the middle of a page, sometimes while it waits.
    const timer = setTimeout(
      () => (random.chance(0.5) ? abort.abort() : void events.return()),
      random.between(1, 400),
    );
    for await (const event of events) {
      seen.add(event);
      if (--left <= 0) break;
    }
    clearTimeout(timer);
    await sleep(random.chance(0.1) ? random.between(0, 1_500) : random.between(0, 30));
  }
}

console.log('ready');
await Promise.all(
  told.workspaces.flatMap(({ id }, index) => [steady(id), restless(id, seeded(told.seed + index))]),
);
