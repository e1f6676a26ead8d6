import type { Logger } from 'pino';
import type { Clock } from '../core/clock.ts';
import type { Outside } from '../core/context.ts';
import type { Database } from '../core/database.ts';
import type { Job } from '../core/queue.ts';
import { pruneUploads } from '../resolvers/uploads/pruneUploads.ts';
import { pruneIdempotencyKeys } from './pruneIdempotencyKeys.ts';
import { pruneIntegrations } from './pruneIntegrations.ts';
import { resealSecrets } from './resealSecrets.ts';

export interface JobServices {
  db: Database;
  clock: Clock;
  log: Logger;
  outside?: Outside;
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
    pruneIntegrations: {
      cron: '47 * * * *',
      run: async () => {
        const deleted = await pruneIntegrations(services);
        if (deleted > 0) services.log.info({ deleted }, 'logs of integrations pruned');
      },
    },
    resealSecrets: {
      cron: '7 * * * *',
      run: async () => {
        const sealed = await resealSecrets(services);
        if (sealed > 0) services.log.info({ sealed }, 'credentials encrypted with the present secret');
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
