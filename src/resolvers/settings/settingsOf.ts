import type { Context } from '../../core/context.ts';
import type { Tx } from '../../core/database.ts';
import { allow } from '../../core/permissions.ts';
import type { Thresholds } from '../../scoring/grade.ts';

/** What a business can set up for itself. */
export interface Settings {
  leadGrades: Thresholds;
}

/** How the business is set up. */
export async function settingsOf(ctx: Context, tx: Tx = ctx.db): Promise<Settings> {
  allow(ctx, 'scoring.read');
  const leadGrades = await tx.workspace.findUniqueOrThrow({
    where: { id: ctx.workspace.id },
    select: { warmFrom: true, hotFrom: true, qualifiedFrom: true },
  });
  return { leadGrades };
}
