import { z } from 'zod';
import type { Context } from '../../core/context.ts';
import type { Tag } from '../../core/database.ts';
import { InvalidState } from '../../core/errors.ts';
import { visibleOrThrow } from '../../core/load.ts';
import { idOf, parse } from '../../core/parse.ts';
import { allow } from '../../core/permissions.ts';
import { write } from '../../core/write.ts';
import { record } from '../../events/record.ts';

const DeleteTagInput = z.object({ id: idOf('Tag') });

/** Deletes a tag and takes it off every customer. What timelines say of it stays. */
export async function deleteTag(ctx: Context, input: unknown): Promise<Tag> {
  allow(ctx, 'tags.write');
  const { id } = parse(DeleteTagInput, input);

  return write(ctx, async (tx) => {
    const mine = { workspaceId: ctx.workspace.id };
    // UPDATE, not NO KEY UPDATE: waits for those who put the tag on customers at this moment, and keeps others from it.
    await tx.$queryRaw`SELECT 1 FROM tag WHERE workspace_id = ${mine.workspaceId}::uuid AND id = ${id}::uuid FOR UPDATE`;
    const tag = await visibleOrThrow(ctx, tx, 'Tag', id);
    const rule = await tx.tagRule.findFirst({ where: { ...mine, tagId: id }, select: { name: true } });
    if (rule) throw new InvalidState(`The tag rule ${rule.name} puts this tag on.`);
    await tx.customerTag.deleteMany({ where: { ...mine, tagId: id } });
    await tx.tag.delete({ where: { id } });
    await record(ctx, tx, 'tag.deleted', { subjectId: id, data: { name: tag.name } });
    return tag;
  });
}
