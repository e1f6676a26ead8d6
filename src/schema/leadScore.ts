import { IdempotencyKeyReused, InvalidState, NotFound } from '../core/errors.ts';
import {
  type PreviewedChange,
  previewLeadScoreRule,
  type ScorePreview,
} from '../resolvers/leadScoreRules/previewLeadScoreRule.ts';
import { adjustLeadScore } from '../resolvers/leadScores/adjustLeadScore.ts';
import { recordActivity } from '../resolvers/leadScores/recordActivity.ts';
import { rescoreCustomers } from '../resolvers/leadScores/rescoreCustomers.ts';
import { builder } from './builder.ts';
import { BulkOperation } from './bulkOperation.ts';
import { Customer } from './customer.ts';
import { LeadGradeEnum, ReportedActivityEnum } from './enums.ts';
import { leadScoreRuleInputFields } from './leadScoreRule.ts';
import { idempotencyKeyField, mutation } from './mutation.ts';
import { guarded, loaded } from './read.ts';

const customer = { field: 'customer', type: Customer, description: 'The customer as they are now.' };

mutation('adjustLeadScore', {
  description: 'Gives a customer points by hand, or takes some.',
  input: (t) => ({
    customerId: t.id({ required: true, description: 'Whose score.' }),
    points: t.int({ required: true, description: 'From -100000 to 100000, but not 0.' }),
    reason: t.string({
      required: true,
      description: 'Why, for the breakdown; at most 200 characters. It goes when the customer is erased.',
    }),
    expiresAt: t.field({ type: 'DateTime', description: 'When the points end; never, when left out.' }),
    idempotencyKey: idempotencyKeyField(t),
  }),
  payload: customer,
  failures: [NotFound, IdempotencyKeyReused],
  run: adjustLeadScore,
});

mutation('recordActivity', {
  description:
    'Notes on a timeline what a customer did outside of Frontdesk. Scores, segments and whatever else follows events follow it.',
  input: (t) => ({
    customerId: t.id({ required: true, description: 'Who did it.' }),
    type: t.field({ type: ReportedActivityEnum, required: true, description: 'What they did.' }),
    about: t.string({
      required: true,
      description:
        'Which message, page, document, form or referral, without personal data: it stays when the customer is erased. At most 500 characters.',
    }),
    occurredAt: t.field({ type: 'DateTime', description: 'When; now, when left out.' }),
    idempotencyKey: idempotencyKeyField(t),
  }),
  payload: customer,
  failures: [NotFound, IdempotencyKeyReused],
  run: recordActivity,
});

mutation('rescoreCustomers', {
  description:
    'Starts to work out all lead scores again from history, by the rules as they are now. Points given by hand stay. One at a time.',
  input: (t) => ({ idempotencyKey: idempotencyKeyField(t) }),
  payload: {
    field: 'bulkOperation',
    type: BulkOperation,
    description: 'The operation, waiting for a worker.',
  },
  failures: [InvalidState, IdempotencyKeyReused],
  run: rescoreCustomers,
});

const RuleInput = builder.inputType('LeadScoreRulePreviewInput', {
  description: 'A score rule to be tried: a whole one, or the fields to change of one that there is.',
  fields: ((t: Parameters<typeof leadScoreRuleInputFields>[0]) =>
    leadScoreRuleInputFields(t, false)) as never,
});

const LeadScorePreviewChange = builder.objectRef<PreviewedChange>('LeadScorePreviewChange').implement({
  description: 'A customer whose grade would change.',
  fields: (t) => ({
    customer: loaded<PreviewedChange>(
      t,
      'Customer',
      { nullable: true, description: 'Who it is.' },
      ({ customer }) => customer.id,
    ),
    previousScore: t.exposeInt('previousScore', { description: 'The score as it is.' }),
    score: t.exposeInt('score', { description: 'The score as it would be.' }),
    previousGrade: t.field({
      type: LeadGradeEnum,
      description: 'The grade as it is.',
      resolve: ({ previousGrade }) => previousGrade,
    }),
    grade: t.field({
      type: LeadGradeEnum,
      description: 'The grade as it would be.',
      resolve: ({ grade }) => grade,
    }),
  }),
});

const LeadScoreRulePreview = builder.objectRef<ScorePreview>('LeadScoreRulePreview').implement({
  description: 'What a score rule would do.',
  fields: (t) => ({
    customers: t.exposeInt('customers', { description: 'Customers that were looked at: those you reach.' }),
    up: t.exposeInt('up', { description: 'Customers whose grade would rise.' }),
    down: t.exposeInt('down', { description: 'Customers whose grade would fall.' }),
    scoresChanged: t.exposeInt('scoresChanged', {
      description: 'Customers whose score would change, within the grade or beyond.',
    }),
    sample: t.field({
      type: [LeadScorePreviewChange],
      description: 'The first ten whose grade would change.',
      resolve: ({ sample }) => sample,
    }),
  }),
});

builder.queryField('leadScoreRulePreview', (t) =>
  t.field({
    type: LeadScoreRulePreview,
    nullable: true,
    description:
      'What a score rule would do once it was saved and rescoreCustomers had worked through history: tried on the customers that you reach, and nothing is written. Refused when it takes longer than ten seconds.',
    ...guarded('scoring.write', { shape: 'opaque' }),
    args: {
      ruleId: t.arg.id({ description: 'A rule that there is; a new one when left out.' }),
      rule: t.arg({ type: RuleInput, description: 'The new rule, or what to change of the other.' }),
    },
    complexity: 50,
    resolve: (_root, args, ctx) => previewLeadScoreRule(ctx, args),
  }),
);
