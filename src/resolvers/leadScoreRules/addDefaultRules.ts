import type { Context } from '../../core/context.ts';
import type { Prisma, Tx } from '../../core/database.ts';
import { newId } from '../../core/ids.ts';
import { exponentOf } from '../../core/money.ts';
import { defaultRules } from '../../scoring/defaultRules.ts';

/** Gives the workspace the score rules that every business begins with, once in its life. What it deletes stays away. */
export async function addDefaultRules(ctx: Pick<Context, 'workspace' | 'clock'>, tx: Tx): Promise<void> {
  const { id, currency } = ctx.workspace;
  const now = ctx.clock.now();
  const { count } = await tx.workspace.updateMany({
    where: { id, scoringSince: null },
    data: { scoringSince: now },
  });
  if (count === 0) return;
  const unit = 10n ** BigInt(exponentOf(currency) ?? 2);
  await tx.leadScoreRule.createMany({
    data: defaultRules.map(({ condition, perAmount, ...rule }) => ({
      id: newId(),
      workspaceId: id,
      ...rule,
      ...(condition && {
        condition: { version: 1, ...condition(currency) } as unknown as Prisma.InputJsonValue,
      }),
      ...(perAmount && { perAmountMinor: BigInt(perAmount) * unit }),
      createdAt: now,
      updatedAt: now,
    })),
    skipDuplicates: true, // A name may be taken.
  });
}
