import type { Clock } from '../../core/clock.ts';
import type { Database } from '../../core/database.ts';

const keptHours = 24;

/**
 * Deletes uploads that nobody has touched for a day and no operation works on, and returns how many. They hold
 * what the file holds, personal data too.
 */
export async function pruneUploads({ db, clock }: { db: Database; clock: Clock }): Promise<number> {
  const before = new Date(clock.now().getTime() - keptHours * 3_600_000);
  for (let total = 0; ; total++) {
    const pruned = await db.$transaction(async (tx) => {
      const [old] = await tx.$queryRaw<{ id: string }[]>`
        SELECT u.id FROM upload u WHERE u.updated_at < ${before} AND NOT EXISTS (
          SELECT FROM bulk_operation o WHERE o.workspace_id = u.workspace_id AND o.upload_id = u.id
            AND (o.status IN ('QUEUED', 'RUNNING') OR o.updated_at >= ${before}))
        ORDER BY u.updated_at LIMIT 1 FOR UPDATE SKIP LOCKED`;
      if (!old) return false;
      await tx.bulkOperation.updateMany({ where: { uploadId: old.id }, data: { uploadId: null } });
      await tx.upload.delete({ where: { id: old.id } });
      return true;
    });
    if (!pruned) return total;
  }
}
