import { z } from 'zod';
import type { Context } from '../../core/context.ts';
import type { Customer, Tag, Tx } from '../../core/database.ts';
import { NotFound } from '../../core/errors.ts';
import { encodeId, uuidOf } from '../../core/ids.ts';
import { idOf } from '../../core/parse.ts';
import { visible } from '../../core/visible.ts';
import { slugOf, tagName } from './tagFields.ts';

/** What `addTags` and `removeTags` share. */

const maxCustomers = 100;
const maxTags = 20;

/** A tag as a caller names it: by its id, or by its name. */
export type TagReference = { id: string } | { name: string; slug: string };

const tagReference = z.string().transform((written, check): TagReference => {
  const id = uuidOf('Tag', written.trim());
  if (id) return { id };
  const name = tagName.safeParse(written);
  if (name.success) return { name: name.data, slug: slugOf(name.data) };
  for (const { message } of name.error.issues) check.addIssue({ code: 'custom', message });
  return z.NEVER;
});

const listOf = <Item extends z.ZodType>(item: Item, most: number) =>
  z.array(item).min(1, 'Must hold at least one.').max(most, `Must hold at most ${most}.`);

export const TaggingInput = z.object({
  customerIds: listOf(idOf('Customer'), maxCustomers),
  tags: listOf(tagReference, maxTags),
});

/**
 * The tags that there are among these, held until the transaction ends: nobody deletes them meanwhile.
 * An id without a tag is a NotFound failure; a name without one is left out.
 */
export async function heldTags(ctx: Context, tx: Tx, references: readonly TagReference[]): Promise<Tag[]> {
  const ids = references.flatMap((tag) => ('id' in tag ? tag.id : []));
  const slugs = references.flatMap((tag) => ('slug' in tag ? tag.slug : []));
  const held = await tx.$queryRaw<{ id: string }[]>`
    SELECT id FROM tag WHERE workspace_id = ${ctx.workspace.id}::uuid AND (id = ANY(${ids}::uuid[]) OR slug = ANY(${slugs}::text[]))
    ORDER BY id FOR KEY SHARE`;
  const tags = await tx.tag.findMany({
    where: { AND: [{ id: { in: held.map(({ id }) => id) } }, visible(ctx, 'Tag')] },
    orderBy: { id: 'asc' },
  });
  const missing = ids.find((id) => !tags.some((tag) => tag.id === id));
  if (missing) throw new NotFound(encodeId('Tag', missing));
  return tags;
}

/** The customers with these ids in that order, held until the transaction ends; all of them or a NotFound failure. */
export async function heldCustomers(ctx: Context, tx: Tx, ids: readonly string[]): Promise<Customer[]> {
  await tx.$queryRaw`SELECT 1 FROM customer
    WHERE workspace_id = ${ctx.workspace.id}::uuid AND id = ANY(${[...ids]}::uuid[]) ORDER BY id FOR NO KEY UPDATE`;
  const rows = await tx.customer.findMany({
    where: { AND: [{ id: { in: [...ids] } }, visible(ctx, 'Customer')] },
  });
  const byId = new Map(rows.map((customer) => [customer.id, customer]));
  return ids.map((id) => {
    const customer = byId.get(id);
    if (!customer) throw new NotFound(encodeId('Customer', id));
    return customer;
  });
}

/** What an event says of a tag that was put on a customer or taken off. */
export function taggingOf(customerId: string, tag: Tag) {
  return { subjectId: tag.id, customerId, data: { tagId: encodeId('Tag', tag.id), tagName: tag.name } };
}
