import { z } from 'zod';
import { onConstraint } from '../../core/constraints.ts';
import type { Context } from '../../core/context.ts';
import { type LeadScoreRule, Prisma, type Tx } from '../../core/database.ts';
import { InvalidState } from '../../core/errors.ts';
import { newId } from '../../core/ids.ts';
import { visibleOrThrow } from '../../core/load.ts';
import { idempotencyKey, parse } from '../../core/parse.ts';
import { allow } from '../../core/permissions.ts';
import { writeOnce } from '../../core/write.ts';
import { record } from '../../events/record.ts';
import {
  emptyRule,
  leadScoreRuleConstraints,
  leadScoreRuleFields,
  maxScoreRules,
  ruleWith,
} from './leadScoreRuleFields.ts';

const CreateLeadScoreRuleInput = z.object({ ...leadScoreRuleFields, idempotencyKey });

/** Makes a rule that earns or costs points from now on; `rescoreCustomers` applies it to what was before. */
export async function createLeadScoreRule(ctx: Context, input: unknown): Promise<LeadScoreRule> {
  allow(ctx, 'scoring.write');
  const parsed = parse(CreateLeadScoreRuleInput, input);
  const { idempotencyKey: _, ...sent } = parsed;

  const create = async (tx: Tx) => {
    if ((await tx.leadScoreRule.count({ where: { workspaceId: ctx.workspace.id } })) >= maxScoreRules)
      throw new InvalidState(`There are ${maxScoreRules} score rules, which is the most there can be.`);
    const { condition, ...columns } = await ruleWith(
      ctx,
      tx,
      { ...emptyRule, name: sent.name, points: sent.points },
      sent,
    );
    const rule = await onConstraint(
      tx.leadScoreRule.create({
        data: {
          id: newId(),
          workspaceId: ctx.workspace.id,
          ...columns,
          condition: condition ?? Prisma.DbNull,
          createdAt: ctx.clock.now(),
          updatedAt: ctx.clock.now(),
        },
      }),
      leadScoreRuleConstraints,
    );
    await record(ctx, tx, 'lead_score_rule.created', { subjectId: rule.id, data: { name: rule.name } });
    return rule;
  };
  return writeOnce(ctx, { name: 'createLeadScoreRule', input: parsed }, create, (tx, id) =>
    visibleOrThrow(ctx, tx, 'LeadScoreRule', id),
  );
}
