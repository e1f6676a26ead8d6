import type { Logger } from 'pino';
import type { Clock } from '../core/clock.ts';
import type { Database } from '../core/database.ts';
import type { Job } from '../core/queue.ts';
import { pruneUploads } from '../resolvers/uploads/pruneUploads.ts';
import { pruneIdempotencyKeys } from './pruneIdempotencyKeys.ts';

export interface JobServices {
  db: Database;
  clock: Clock;
  log: Logger;
}

/** Every job by its name in the queue. */
export function jobs(services: JobServices): Record<string, Job> {
  return {
    pruneUploads: {
      cron: '17 * * * *',
      run: async () => {
        const deleted = await pruneUploads(services);
        if (deleted > 0) services.log.info({ deleted }, 'uploads pruned');
      },
    },
    pruneIdempotencyKeys: {
      cron: '0 * * * *',
      run: async () => {
        const deleted = await pruneIdempotencyKeys(services);
        if (deleted > 0) services.log.info({ deleted }, 'idempotency keys pruned');
      },
    },
  };
}
