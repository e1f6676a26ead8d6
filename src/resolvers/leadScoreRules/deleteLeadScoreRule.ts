import { z } from 'zod';
import type { Context } from '../../core/context.ts';
import type { LeadScoreRule } from '../../core/database.ts';
import { visibleOrThrow } from '../../core/load.ts';
import { idOf, parse } from '../../core/parse.ts';
import { allow } from '../../core/permissions.ts';
import { write } from '../../core/write.ts';
import { record } from '../../events/record.ts';

const DeleteLeadScoreRuleInput = z.object({ id: idOf('LeadScoreRule') });

/** Of a transaction that takes the rule's name off every entry that it wrote. */
const longMs = 120_000;

/**
 * Deletes a rule for good. The points that it gave stay, under its name, until they end or `rescoreCustomers` works
 * scores out without it; they decay no further.
 */
export async function deleteLeadScoreRule(ctx: Context, input: unknown): Promise<LeadScoreRule> {
  allow(ctx, 'scoring.write');
  const { id } = parse(DeleteLeadScoreRuleInput, input);

  const remove = async (tx: Parameters<Parameters<typeof write>[1]>[0]) => {
    const workspaceId = ctx.workspace.id;
    // UPDATE, not NO KEY UPDATE: waits for those who write entries at this moment, and keeps others from it.
    await tx.$queryRaw`SELECT 1 FROM lead_score_rule WHERE workspace_id = ${workspaceId}::uuid AND id = ${id}::uuid FOR UPDATE`;
    const rule = await visibleOrThrow(ctx, tx, 'LeadScoreRule', id);
    await tx.leadScoreEntry.updateMany({
      where: { workspaceId, ruleId: id },
      data: { ruleId: null, decaysAt: null },
    });
    await tx.leadScoreRule.delete({ where: { id } });
    await record(ctx, tx, 'lead_score_rule.deleted', { subjectId: id, data: { name: rule.name } });
    return rule;
  };
  return write(ctx, remove, longMs);
}
