import { z } from 'zod';
import { onConstraint } from '../../core/constraints.ts';
import type { Context } from '../../core/context.ts';
import type { TagRule, Tx } from '../../core/database.ts';
import { InvalidState } from '../../core/errors.ts';
import { newId } from '../../core/ids.ts';
import { visibleOrThrow } from '../../core/load.ts';
import { idempotencyKey, parse } from '../../core/parse.ts';
import { allow } from '../../core/permissions.ts';
import { writeOnce } from '../../core/write.ts';
import { record } from '../../events/record.ts';
import { readCriteria } from '../conditions/readCriteria.ts';
import { maxTagRules, refuseTagCycle, tagRuleConstraints, tagRuleFields } from './tagRuleFields.ts';

const CreateTagRuleInput = z.object({ ...tagRuleFields, idempotencyKey });

/** Makes a rule that puts a tag on whoever meets its criteria; a worker applies it to everybody right after. */
export async function createTagRule(ctx: Context, input: unknown): Promise<TagRule> {
  allow(ctx, 'scoring.write');
  const parsed = parse(CreateTagRuleInput, input);
  const { name, tagId, removes, priority, active } = parsed;

  const create = async (tx: Tx) => {
    const id = newId();
    if ((await tx.tagRule.count({ where: { workspaceId: ctx.workspace.id } })) >= maxTagRules)
      throw new InvalidState(`There are ${maxTagRules} tag rules, which is the most there can be.`);
    await visibleOrThrow(ctx, tx, 'Tag', tagId);
    const criteria = await readCriteria(ctx, tx, parsed.criteria, 'criteria');
    await refuseTagCycle(ctx, tx, { id, tagId, criteria });
    const rule = await onConstraint(
      tx.tagRule.create({
        data: {
          ...{ id, workspaceId: ctx.workspace.id, name, tagId, criteria: criteria as object, stale: true },
          ...{ removes: removes ?? true, priority: priority ?? 100, active: active ?? true },
          createdAt: ctx.clock.now(),
          updatedAt: ctx.clock.now(),
        },
      }),
      tagRuleConstraints,
    );
    await record(ctx, tx, 'tag_rule.created', { subjectId: id, data: { name } });
    return rule;
  };
  return writeOnce(ctx, { name: 'createTagRule', input: parsed }, create, (tx, id) =>
    visibleOrThrow(ctx, tx, 'TagRule', id),
  );
}
