import { z } from 'zod';
import type { Context } from '../../core/context.ts';
import type { TagRule } from '../../core/database.ts';
import { lockedOrThrow } from '../../core/load.ts';
import { idOf, parse } from '../../core/parse.ts';
import { allow } from '../../core/permissions.ts';
import { write } from '../../core/write.ts';
import { record } from '../../events/record.ts';

const DeleteTagRuleInput = z.object({ id: idOf('TagRule') });

/** Deletes a tag rule. Customers keep the tags that it put on. */
export async function deleteTagRule(ctx: Context, input: unknown): Promise<TagRule> {
  allow(ctx, 'scoring.write');
  const { id } = parse(DeleteTagRuleInput, input);

  return write(ctx, async (tx) => {
    const rule = await lockedOrThrow(ctx, tx, 'TagRule', id);
    await tx.tagRule.delete({ where: { id } });
    await record(ctx, tx, 'tag_rule.deleted', { subjectId: id, data: { name: rule.name } });
    return rule;
  });
}
