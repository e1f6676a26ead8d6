import { isDeepStrictEqual } from 'node:util';
import { z } from 'zod';
import type { Criteria } from '../../conditions/condition.ts';
import { changesOf } from '../../core/changes.ts';
import { onConstraint } from '../../core/constraints.ts';
import type { Context } from '../../core/context.ts';
import type { TagRule } from '../../core/database.ts';
import { lockedOrThrow, visibleOrThrow } from '../../core/load.ts';
import { idOf, parse } from '../../core/parse.ts';
import { allow } from '../../core/permissions.ts';
import { write } from '../../core/write.ts';
import { record } from '../../events/record.ts';
import { readCriteria } from '../conditions/readCriteria.ts';
import { refuseTagCycle, tagRuleConstraints, tagRuleFields } from './tagRuleFields.ts';

const UpdateTagRuleInput = z.object({
  ...tagRuleFields,
  name: tagRuleFields.name.optional(),
  tagId: tagRuleFields.tagId.optional(),
  id: idOf('TagRule'),
});

/** Changes the fields that are sent; a worker applies the rule to everybody right after. */
export async function updateTagRule(ctx: Context, input: unknown): Promise<TagRule> {
  allow(ctx, 'scoring.write');
  const { id, criteria: sentCriteria, ...rest } = parse(UpdateTagRuleInput, input);
  const sent = Object.fromEntries(Object.entries(rest).filter(([, value]) => value != null));

  return write(ctx, async (tx) => {
    const rule = await lockedOrThrow(ctx, tx, 'TagRule', id);
    if (rest.tagId) await visibleOrThrow(ctx, tx, 'Tag', rest.tagId);
    const criteria = sentCriteria == null ? null : await readCriteria(ctx, tx, sentCriteria, 'criteria');
    const changes = changesOf(rule, sent as Partial<TagRule>);
    const changed = criteria && !isDeepStrictEqual(criteria, rule.criteria);
    if (!changed && Object.keys(changes).length === 0) return rule;

    const now = {
      criteria: criteria ?? (rule.criteria as unknown as Criteria),
      tagId: rest.tagId ?? rule.tagId,
    };
    await refuseTagCycle(ctx, tx, { id, ...now });
    const updated = await onConstraint(
      tx.tagRule.update({
        where: { id },
        data: {
          ...Object.fromEntries(Object.entries(changes).map(([field, [, value]]) => [field, value])),
          ...(changed && { criteria: criteria as object }),
          stale: true,
          updatedAt: ctx.clock.now(),
        },
      }),
      tagRuleConstraints,
    );
    await record(ctx, tx, 'tag_rule.updated', { subjectId: id, data: { name: updated.name } });
    return updated;
  });
}
