import { z } from 'zod';
import { onConstraint } from '../../core/constraints.ts';
import type { Context } from '../../core/context.ts';
import type { Tag, Tx } from '../../core/database.ts';
import { newId } from '../../core/ids.ts';
import { visibleOrThrow } from '../../core/load.ts';
import { idempotencyKey, parse } from '../../core/parse.ts';
import { allow } from '../../core/permissions.ts';
import { writeOnce } from '../../core/write.ts';
import { record } from '../../events/record.ts';
import { slugOf, tagConstraints, tagFields } from './tagFields.ts';

const CreateTagInput = z.object({ ...tagFields, idempotencyKey });

/** Makes a tag. Two tags never differ by case or accents alone. */
export async function createTag(ctx: Context, input: unknown): Promise<Tag> {
  allow(ctx, 'tags.write');
  const parsed = parse(CreateTagInput, input);

  const create = async (tx: Tx) => {
    const { name, color, description, exclusiveGroup } = parsed;
    const tag = await onConstraint(
      tx.tag.create({ data: { ...newTag(ctx, name), color, description, exclusiveGroup } }),
      tagConstraints,
    );
    await record(ctx, tx, 'tag.created', { subjectId: tag.id, data: { name } });
    return tag;
  };
  return writeOnce(ctx, { name: 'createTag', input: parsed }, create, (tx, id) =>
    visibleOrThrow(ctx, tx, 'Tag', id),
  );
}

/** The columns that every new tag has. */
export function newTag(ctx: Context, name: string) {
  return {
    id: newId(),
    workspaceId: ctx.workspace.id,
    name,
    slug: slugOf(name),
    createdById: ctx.viewer.kind === 'user' ? ctx.viewer.id : null,
    createdAt: ctx.clock.now(),
    updatedAt: ctx.clock.now(),
  };
}
