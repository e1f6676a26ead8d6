import type { Context } from '../core/context.ts';
import { NotFound } from '../core/errors.ts';
import { uuidOf } from '../core/ids.ts';
import { visibleOrThrow } from '../core/load.ts';
import { allow } from '../core/permissions.ts';
import { membersOf } from '../resolvers/segments/membersOf.ts';
import { csvAnswer } from './csvAnswer.ts';
import type { RestAnswer, RestRequest } from './rest.ts';

/** GET /segments/:id/members.csv: a line for each member that the caller may see. */
export async function getSegmentMembers(ctx: Context, { params }: RestRequest): Promise<RestAnswer> {
  allow(ctx, 'segments.read');
  allow(ctx, 'customers.read');
  const id = params.id as string;
  const uuid = uuidOf('Segment', id);
  if (!uuid) throw new NotFound(id);
  await visibleOrThrow(ctx, ctx.db, 'Segment', uuid);
  const columns = ['id', 'firstName', 'lastName', 'companyName', 'email', 'phone', 'joinedAt'];
  return csvAnswer(id, columns, membersOf(ctx, uuid));
}
