// The other process: node speakOnBus.ts echo <url>, or: node speakOnBus.ts close <url>...

import { setTimeout as sleep } from 'node:timers/promises';
import { pino } from 'pino';
import { openRedisBus } from '../../../src/core/bus.ts';

const [task, ...urls] = process.argv.slice(2);
const buses = urls.map((url) => openRedisBus(url, pino()));

if (task === 'echo') {
  for (const bus of buses) {
    bus.listen(({ workspaceId, position }) => {
      if (workspaceId === 'there') bus.publish({ workspaceId: 'back', position });
    });
    while (bus.state() !== 'ok') await sleep(10);
    console.log('ok');
  }
}

if (task === 'close') {
  await sleep(500);
  await Promise.all(buses.map((bus) => bus.close()));
  // And one that had no time to connect.
  await Promise.all(urls.map((url) => openRedisBus(url, pino()).close()));
  console.log('closed');
}
