import { z } from 'zod';
import type { Context } from '../../core/context.ts';
import { type Customer, databaseError, type Tx } from '../../core/database.ts';
import { InvalidInput, Refused } from '../../core/errors.ts';
import { newId } from '../../core/ids.ts';
import { visibleOrThrow } from '../../core/load.ts';
import { idOf, parse } from '../../core/parse.ts';
import { allow } from '../../core/permissions.ts';
import { visible } from '../../core/visible.ts';
import { type Grade, gradeOf, grades } from '../../scoring/grade.ts';
import { counts, type Ledger } from '../../scoring/ledger.ts';
import { endOfLog, replay } from '../leadScores/replay.ts';
import { ruleOf } from '../leadScores/scoringOf.ts';
import { settingsOf } from '../settings/settingsOf.ts';
import { changedRuleFields, emptyRule, ruleWith } from './leadScoreRuleFields.ts';

const PreviewInput = z.object({
  ruleId: idOf('LeadScoreRule').nullish(),
  rule: z.object(changedRuleFields).nullish(),
});

export interface ScorePreview {
  /** Customers that were looked at: those whom the viewer reaches. */
  customers: number;
  /** Whose grade would rise, fall, and whose score would change at all. */
  up: number;
  down: number;
  scoresChanged: number;
  /** The first ten whose grade would change. */
  sample: PreviewedChange[];
}

export interface PreviewedChange {
  customer: Customer;
  previousScore: number;
  score: number;
  previousGrade: Grade;
  grade: Grade;
}

const batch = 500;
const sampleSize = 10;
/** All that a preview may take, and one statement of it. */
const budgetMs = 10_000;

/**
 * Tries a rule before it is saved: what scores would be after it was saved and `rescoreCustomers` had worked through
 * history. Writes nothing. Refused when it takes longer than ten seconds.
 */
export async function previewLeadScoreRule(ctx: Context, input: unknown): Promise<ScorePreview> {
  allow(ctx, 'scoring.write');
  const { ruleId, rule: sent } = parse(PreviewInput, input);
  const deadline = performance.now() + budgetMs;
  try {
    return await ctx.db.$transaction(
      (tx) => preview(ctx, tx, ruleId ?? null, sent ?? { condition: undefined }, deadline),
      {
        timeout: budgetMs + 2_000,
        isolationLevel: 'RepeatableRead',
      },
    );
  } catch (error) {
    if (databaseError(error)?.code === '57014') throw tooLong();
    throw error;
  }
}

const tooLong = () =>
  new Refused(
    'UNAVAILABLE',
    `The history is too long to try a rule on within ${budgetMs / 1_000} seconds. Save the rule and use rescoreCustomers.`,
  );

async function preview(
  ctx: Context,
  tx: Tx,
  id: string | null,
  sent: NonNullable<z.output<typeof PreviewInput>['rule']>,
  deadline: number,
): Promise<ScorePreview> {
  await tx.$executeRawUnsafe(`SET LOCAL statement_timeout = ${budgetMs}`);
  const saved = id ? await visibleOrThrow(ctx, tx, 'LeadScoreRule', id) : null;
  if (!saved && (sent.name === undefined || sent.points === undefined))
    throw new InvalidInput([
      { path: 'rule', message: 'Give the id of a rule, or name and points of a new one.' },
    ]);
  const before = saved ?? { ...emptyRule, name: sent.name as string, points: sent.points as number };
  const columns = await ruleWith(ctx, tx, before, sent);
  const now = ctx.clock.now();
  const tried = {
    id: saved?.id ?? newId(),
    workspaceId: ctx.workspace.id,
    key: null,
    createdAt: now,
    updatedAt: now,
  };
  const rules = columns.active ? [ruleOf({ ...columns, ...tried })] : [];
  const { leadGrades: thresholds } = await settingsOf(ctx, tx);
  const end = await endOfLog(ctx, tx);

  const found: ScorePreview = { customers: 0, up: 0, down: 0, scoresChanged: 0, sample: [] };
  for (let after: string | null = null; ; ) {
    if (performance.now() > deadline) throw tooLong();
    const customers: Customer[] = await tx.customer.findMany({
      where: { AND: [visible(ctx, 'Customer'), after ? { id: { gt: after } } : {}] },
      orderBy: { id: 'asc' },
      take: batch,
    });
    const ids = customers.map((customer) => customer.id);
    const ledgers = await replay(ctx, tx, rules, ids, end);
    const present = await presentPoints(ctx, tx, saved?.id ?? null, ids, now);
    for (const customer of customers) {
      const { written } = ledgers.get(customer.id) as Ledger;
      const points = [...written].reduce((sum, entry) => sum + (counts(entry, now) ? entry.points : 0), 0);
      const score = customer.leadScore - (present.get(customer.id) ?? 0) + points;
      const grade = gradeOf(score, thresholds);
      const previous = { previousScore: customer.leadScore, previousGrade: customer.leadGrade };
      found.customers++;
      if (score !== customer.leadScore) found.scoresChanged++;
      if (grade === customer.leadGrade) continue;
      if (grades.indexOf(grade) > grades.indexOf(customer.leadGrade)) found.up++;
      else found.down++;
      if (found.sample.length < sampleSize) found.sample.push({ customer, ...previous, score, grade });
    }
    if (customers.length < batch) return found;
    after = ids.at(-1) as string;
  }
}

/** What counts of a rule's entries at present. */
async function presentPoints(
  ctx: Context,
  tx: Tx,
  ruleId: string | null,
  customerIds: readonly string[],
  now: Date,
): Promise<Map<string, number>> {
  if (!ruleId) return new Map();
  const sums = await tx.leadScoreEntry.groupBy({
    by: ['customerId'],
    where: {
      workspaceId: ctx.workspace.id,
      customerId: { in: [...customerIds] },
      ruleId,
      OR: [{ expiresAt: null }, { expiresAt: { gt: now } }],
    },
    _sum: { points: true },
  });
  return new Map(sums.map(({ customerId, _sum }) => [customerId, _sum.points ?? 0]));
}
