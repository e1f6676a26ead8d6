import { isDeepStrictEqual } from 'node:util';
import { z } from 'zod';
import { changesOf } from '../../core/changes.ts';
import { onConstraint } from '../../core/constraints.ts';
import type { Context } from '../../core/context.ts';
import { type LeadScoreRule, Prisma } from '../../core/database.ts';
import { lockedOrThrow } from '../../core/load.ts';
import { idOf, parse } from '../../core/parse.ts';
import { allow } from '../../core/permissions.ts';
import { write } from '../../core/write.ts';
import { record } from '../../events/record.ts';
import { changedRuleFields, leadScoreRuleConstraints, ruleWith } from './leadScoreRuleFields.ts';

const UpdateLeadScoreRuleInput = z.object({ ...changedRuleFields, id: idOf('LeadScoreRule') });

/**
 * Changes the fields that are sent; an explicit null clears. What the rule wrote before stays as it is:
 * `rescoreCustomers` works it out again.
 */
export async function updateLeadScoreRule(ctx: Context, input: unknown): Promise<LeadScoreRule> {
  allow(ctx, 'scoring.write');
  const { id, ...sent } = parse(UpdateLeadScoreRuleInput, input);

  return write(ctx, async (tx) => {
    const rule = await lockedOrThrow(ctx, tx, 'LeadScoreRule', id);
    const { condition, ...columns } = await ruleWith(ctx, tx, rule, sent);
    const changes = changesOf(rule, columns);
    const otherCondition = !isDeepStrictEqual(condition, rule.condition);
    if (!otherCondition && Object.keys(changes).length === 0) return rule;
    const data = Object.fromEntries(Object.entries(changes).map(([field, [, value]]) => [field, value]));
    const updated = await onConstraint(
      tx.leadScoreRule.update({
        where: { id },
        data: {
          ...data,
          ...(otherCondition && { condition: condition ?? Prisma.DbNull }),
          updatedAt: ctx.clock.now(),
        },
      }),
      leadScoreRuleConstraints,
    );
    await record(ctx, tx, 'lead_score_rule.updated', {
      subjectId: id,
      data: { name: updated.name },
      changes: { ...changes, ...(otherCondition && { condition: [rule.condition, condition] }) },
    });
    return updated;
  });
}
