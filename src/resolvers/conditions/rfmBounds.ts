import type { Context } from '../../core/context.ts';
import type { Tx } from '../../core/database.ts';

/** After so long the bounds are worked out again. */
export const rfmLifeMs = 24 * 3_600_000;

/**
 * Works out the bounds of the RFM scores: of all customers with a completed booking, the values below which a fifth, two
 * fifths, three and four fifths of them lie (`percentile_disc`), by last visit, completed bookings and money spent in
 * the business's currency. Customers with the same value get the same score, so the five groups differ in size where many
 * are alike.
 */
export async function calculateRfmBounds(ctx: Pick<Context, 'workspace' | 'clock'>, tx: Tx): Promise<void> {
  const { id, currency } = ctx.workspace;
  await tx.$executeRaw`
    INSERT INTO rfm_bounds (workspace_id, recency, frequency, monetary, calculated_at)
      SELECT ${id}::uuid, percentile_disc(fifths) WITHIN GROUP (ORDER BY c.last_visit_at),
        percentile_disc(fifths) WITHIN GROUP (ORDER BY c.completed_bookings),
        percentile_disc(fifths) WITHIN GROUP (ORDER BY coalesce(s.amount_minor, 0)), ${ctx.clock.now()}
      FROM (SELECT ARRAY[0.2, 0.4, 0.6, 0.8]::float8[] AS fifths) f CROSS JOIN customer c
        LEFT JOIN customer_spending s ON s.workspace_id = c.workspace_id AND s.customer_id = c.id AND s.currency = ${currency}
      WHERE c.workspace_id = ${id}::uuid AND c.deleted_at IS NULL AND c.last_visit_at IS NOT NULL
      GROUP BY fifths HAVING count(*) > 0
    ON CONFLICT (workspace_id) DO UPDATE SET recency = EXCLUDED.recency, frequency = EXCLUDED.frequency,
      monetary = EXCLUDED.monetary, calculated_at = EXCLUDED.calculated_at`;
}
