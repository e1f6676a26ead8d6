import type { Context } from '../../core/context.ts';
import { encodeId } from '../../core/ids.ts';
import { visible } from '../../core/visible.ts';

const page = 1_000;

/** One line of an export. */
export interface MemberLine {
  id: string;
  firstName: string | null;
  lastName: string | null;
  companyName: string | null;
  email: string | null;
  phone: string | null;
  joinedAt: string;
}

/** The members of a segment that the viewer may see, read as they are taken. */
export async function* membersOf(
  ctx: Pick<Context, 'db' | 'viewer' | 'workspace'>,
  segmentId: string,
): AsyncGenerator<MemberLine> {
  for (let after: string | null = null; ; ) {
    const members: {
      customerId: string;
      joinedAt: Date;
      customer: Omit<MemberLine, 'joinedAt'>;
    }[] = await ctx.db.segmentMember.findMany({
      where: {
        workspaceId: ctx.workspace.id,
        segmentId,
        customer: visible(ctx, 'Customer'),
        ...(after && { customerId: { gt: after } }),
      },
      orderBy: { customerId: 'asc' },
      take: page,
      select: {
        customerId: true,
        joinedAt: true,
        customer: {
          select: { id: true, firstName: true, lastName: true, companyName: true, email: true, phone: true },
        },
      },
    });
    for (const { customer, joinedAt } of members)
      yield { ...customer, id: encodeId('Customer', customer.id), joinedAt: joinedAt.toISOString() };
    const last = members.at(-1);
    if (!last || members.length < page) return;
    after = last.customerId;
  }
}
