import type { Clock } from '../core/clock.ts';
import type { Database } from '../core/database.ts';

/** Rows deleted in one statement, so that no lock is held for long. */
const batch = 5_000;
const defaultDays = 30;

/**
 * Deletes what the logs of connections keep no longer: calls, and effects and erasures that are done, each by its connection's
 * `logRetentionDays`; ids of inbound messages after thirty days. Answers how many rows.
 */
export async function pruneIntegrations({ db, clock }: { db: Database; clock: Clock }): Promise<number> {
  const now = clock.now();
  const before = new Date(now.getTime() - defaultDays * 86_400_000);
  const statements = [
    () => db.$executeRaw`
      DELETE FROM integration_call WHERE id IN (
        SELECT l.id FROM integration_call l JOIN integration_connection c ON c.id = l.connection_id
        WHERE l.created_at < ${now}::timestamptz - make_interval(days => coalesce((c.settings->>'logRetentionDays')::integer, ${defaultDays}::integer))
        ORDER BY l.created_at LIMIT ${batch}::integer)`,
    () => db.$executeRaw`
      DELETE FROM delivery WHERE id IN (
        SELECT d.id FROM delivery d JOIN integration_connection c ON c.id = d.connection_id
        WHERE d.status IN ('DONE', 'DROPPED') AND d.kind <> 'CONTACT'
          AND d.done_at < ${now}::timestamptz - make_interval(days => coalesce((c.settings->>'logRetentionDays')::integer, ${defaultDays}::integer))
        ORDER BY d.done_at LIMIT ${batch}::integer)`,
    () => db.$executeRaw`
      DELETE FROM inbound_message WHERE ctid = ANY(ARRAY(
        SELECT ctid FROM inbound_message WHERE received_at < ${before} LIMIT ${batch}::integer))`,
  ];
  let total = 0;
  for (const statement of statements)
    for (;;) {
      const deleted = await statement();
      total += deleted;
      if (deleted < batch) break;
    }
  return total;
}
