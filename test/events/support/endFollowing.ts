// Follows in every way that ends, and must then exit by itself: node endFollowing.ts <database url> <workspace>

import { setTimeout as sleep } from 'node:timers/promises';
import { openLocalBus } from '../../../src/core/bus.ts';
import { openDatabase } from '../../../src/core/database.ts';
import { openReader } from '../../../src/core/reader.ts';
import { openEventLog } from '../../../src/events/log.ts';

const [url, workspaceId] = process.argv.slice(2) as [string, string];
const db = openDatabase(url, { poolSize: 2 });
const reader = openReader(url, { poolSize: 2 });
const log = openEventLog(db, reader, openLocalBus());

const abort = new AbortController();
const never = new AbortController().signal;
const aborted = log.follow(workspaceId, 0n, abort.signal);
const returned = log.follow(workspaceId, 0n, never);
const waiting = [aborted.next(), returned.next()];
await sleep(600);
abort.abort();
await returned.return();
await Promise.all(waiting);
await reader.close();
await db.$disconnect();
console.log('ended');
