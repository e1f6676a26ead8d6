import type { Clock } from '../core/clock.ts';
import type { Database } from '../core/database.ts';

const keptHours = 24;
/** Rows deleted in one statement, so that no lock is held for long. */
const batch = 5_000;

/** Deletes idempotency keys older than 24 hours and returns how many. Several at once share the work. */
export async function pruneIdempotencyKeys(services: { db: Database; clock: Clock }): Promise<number> {
  const before = new Date(services.clock.now().getTime() - keptHours * 3_600_000);
  for (let total = 0; ; ) {
    const deleted = await services.db.$executeRaw`
      DELETE FROM idempotency_key WHERE ctid = ANY(ARRAY(
        SELECT ctid FROM idempotency_key WHERE created_at < ${before} ORDER BY created_at
        LIMIT ${batch}::integer FOR UPDATE SKIP LOCKED))`;
    total += deleted;
    if (deleted < batch) return total;
  }
}
