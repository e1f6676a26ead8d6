import { z } from 'zod';
import { changesOf } from '../../core/changes.ts';
import { onConstraint } from '../../core/constraints.ts';
import type { Context } from '../../core/context.ts';
import type { Tag } from '../../core/database.ts';
import { lockedOrThrow } from '../../core/load.ts';
import { idOf, parse } from '../../core/parse.ts';
import { allow } from '../../core/permissions.ts';
import { write } from '../../core/write.ts';
import { record } from '../../events/record.ts';
import { slugOf, tagConstraints, tagFields } from './tagFields.ts';

const UpdateTagInput = z.object({ ...tagFields, name: tagFields.name.optional(), id: idOf('Tag') });

/** Changes the fields that are sent; an explicit null clears. Customers who have the tag keep it. */
export async function updateTag(ctx: Context, input: unknown): Promise<Tag> {
  allow(ctx, 'tags.write');
  const { id, ...sent } = parse(UpdateTagInput, input);

  return write(ctx, async (tx) => {
    const tag = await lockedOrThrow(ctx, tx, 'Tag', id);
    const changes = changesOf(tag, sent);
    if (Object.keys(changes).length === 0) return tag;

    const slug = slugOf(sent.name ?? tag.name);
    const updated = await onConstraint(
      tx.tag.update({ where: { id }, data: { ...sent, slug, updatedAt: ctx.clock.now() } }),
      tagConstraints,
    );
    await record(ctx, tx, 'tag.updated', { subjectId: id, data: { name: updated.name }, changes });
    return updated;
  });
}
