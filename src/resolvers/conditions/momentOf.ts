import type { Moment } from '../../conditions/moment.ts';
import type { Context } from '../../core/context.ts';
import type { Tx } from '../../core/database.ts';

/** What conditions are looked at from: now, as the business sees it. */
export async function momentOf(ctx: Pick<Context, 'workspace' | 'clock'>, tx: Tx): Promise<Moment> {
  const { id, timeZone: zone, currency } = ctx.workspace;
  const bounds = await tx.rfmBounds.findUnique({ where: { workspaceId: id } });
  const rfm = bounds && {
    recency: bounds.recency.map((at) => at.getTime()),
    frequency: bounds.frequency,
    monetary: bounds.monetary,
  };
  return { now: ctx.clock.now(), zone, currency, rfm };
}
