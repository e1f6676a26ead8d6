import type { LeadScoreEntry as EntryRow, LeadScoreRule as RuleRow } from '../core/database.ts';
import { AlreadyExists, IdempotencyKeyReused, InvalidState, NotFound } from '../core/errors.ts';
import { encodeId } from '../core/ids.ts';
import { sentencesOf } from '../resolvers/conditions/sentencesOf.ts';
import { createLeadScoreRule } from '../resolvers/leadScoreRules/createLeadScoreRule.ts';
import { deleteLeadScoreRule } from '../resolvers/leadScoreRules/deleteLeadScoreRule.ts';
import { updateLeadScoreRule } from '../resolvers/leadScoreRules/updateLeadScoreRule.ts';
import { counts } from '../scoring/ledger.ts';
import { builder, type GraphQLContext } from './builder.ts';
import { ActivityTypeEnum } from './enums.ts';
import { MoneyInput, MoneyObject } from './money.ts';
import { type InputFields, idempotencyKeyField, mutation } from './mutation.ts';
import { guarded, type List, objectOf, one, orderInput, page, relation } from './read.ts';

export const LeadScoreRule = objectOf(
  'LeadScoreRule',
  'LeadScoreRule',
  builder.prismaNode('LeadScoreRule', {
    id: {
      field: 'id',
      description: 'Sorts by the time of creation; the same in GraphQL, REST and webhooks.',
    },
    findUnique: (id, ctx) => ({ id, workspaceId: ctx.workspace.id }),
    nullable: true,
    description: 'What earns or costs a lead points; docs/scoring.md explains how they go together.',
    select: { id: true },
    fields: (t) => ({
      key: t.exposeString('key', {
        nullable: true,
        description: 'Which of the rules that every business begins with it is; null for one of your own.',
      }),
      name: t.exposeString('name', { description: 'Stands as the reason in the breakdown of scores.' }),
      description: t.exposeString('description', { nullable: true, description: 'What it is for.' }),
      eventType: t.field({
        type: ActivityTypeEnum,
        nullable: true,
        description: 'The event that it waits for; null for a rule about inactivity.',
        ...guarded(undefined, { shape: 'computed', columns: ['eventType'] }),
        select: { eventType: true },
        resolve: ({ eventType }) => eventType,
      }),
      inactiveDays: t.exposeInt('inactiveDays', {
        nullable: true,
        description:
          'Fires when a customer did nothing for so many days, once until they do something again.',
      }),
      condition: t.field({
        type: 'JSON',
        nullable: true,
        description: 'What must hold for the event and its customer besides; the form is that of segments.',
        ...guarded(undefined, { shape: 'computed', columns: ['condition'] }),
        select: { condition: true },
        resolve: ({ condition }) => condition,
      }),
      conditionSentence: t.string({
        nullable: true,
        description: 'The condition in words.',
        ...guarded(undefined, { shape: 'opaque' }),
        select: { condition: true },
        resolve: ({ condition }, _args: object, ctx: GraphQLContext) => sentencesOf(ctx, condition),
      }),
      points: t.exposeInt('points', { description: 'What it gives or, below zero, takes.' }),
      perAmount: t.field({
        type: MoneyObject,
        nullable: true,
        description: 'The points are for each full amount of this that was spent in all, less refunds.',
        ...guarded(undefined, { shape: 'computed', columns: ['perAmountMinor'] }),
        select: { perAmountMinor: true },
        resolve: (
          { perAmountMinor }: Pick<RuleRow, 'perAmountMinor'>,
          _args: object,
          { workspace }: GraphQLContext,
        ) => (perAmountMinor === null ? null : { minor: perAmountMinor, currency: workspace.currency }),
      }),
      maxOccurrences: t.exposeInt('maxOccurrences', {
        nullable: true,
        description: 'How many of its entries count for a customer at most.',
      }),
      maxPerPeriod: t.exposeInt('maxPerPeriod', {
        nullable: true,
        description: 'How many entries a customer gets from it within periodDays at most.',
      }),
      periodDays: t.exposeInt('periodDays', { nullable: true, description: 'Goes with maxPerPeriod.' }),
      expiresAfterDays: t.exposeInt('expiresAfterDays', {
        nullable: true,
        description: 'After so many days its points end.',
      }),
      decayPerDay: t.exposeInt('decayPerDay', {
        nullable: true,
        description: 'So many points of each entry are taken away a day, until none is left.',
      }),
      renews: t.exposeBoolean('renews', {
        description: 'At maxOccurrences a new entry takes the place of the oldest, so the days begin anew.',
      }),
      active: t.exposeBoolean('active', { description: 'Whether it scores at present.' }),
      createdAt: t.expose('createdAt', { type: 'DateTime', description: 'When it was made.' }),
      updatedAt: t.expose('updatedAt', { type: 'DateTime', description: 'When it last changed.' }),
    }),
  }),
);

const leadScoreRuleList: List<'LeadScoreRule'> = {
  model: 'LeadScoreRule',
  cursor: 'id',
  order: orderInput(
    'LeadScoreRule',
    { NAME: { column: 'name', description: 'What they are called.' } },
    { column: 'name', direction: 'asc' },
  ),
};

builder.queryField('leadScoreRule', (t) =>
  one(
    t,
    'LeadScoreRule',
    'LeadScoreRule',
    'The score rule with this id; null when there is none that you can see.',
  ),
);
builder.queryField('leadScoreRules', (t) =>
  page(t, leadScoreRuleList, 'What earns or costs leads points, by name; at most 200.'),
);

export const LeadScoreEntry = objectOf(
  'LeadScoreEntry',
  'LeadScoreEntry',
  builder.prismaNode('LeadScoreEntry', {
    id: {
      field: 'id',
      description: 'Sorts by the time of creation; the same in GraphQL, REST and webhooks.',
    },
    findUnique: (id, ctx) => ({ id, workspaceId: ctx.workspace.id }),
    nullable: true,
    description: 'A line of the ledger that a lead score is the sum of.',
    select: { id: true },
    fields: (t) => ({
      points: t.exposeInt('points', {
        description: 'What it gives or takes. It may be 0, for money that counts with the next payment.',
      }),
      reason: t.exposeString('reason', {
        description: 'The name that the rule had, or what was said when it was given by hand.',
      }),
      rule: relation(t, 'LeadScoreRule', 'rule', {
        nullable: true,
        description: 'The rule that it follows from; null when it was given by hand or the rule is gone.',
      }),
      occurredAt: t.expose('occurredAt', {
        type: 'DateTime',
        description: 'When it was earned: the time of the event.',
      }),
      expiresAt: t.expose('expiresAt', {
        type: 'DateTime',
        nullable: true,
        description: 'From then on it does not count; null when it lasts.',
      }),
      counts: t.boolean({
        description: 'Whether it is part of the score now.',
        ...guarded(undefined, { shape: 'computed', columns: ['expiresAt'] }),
        select: { expiresAt: true },
        resolve: (entry: Pick<EntryRow, 'expiresAt'>, _args: object, { clock }: GraphQLContext) =>
          counts(entry, clock.now()),
      }),
    }),
  }),
);

/** What a score is made of. */
export const leadScoreEntryList: List<'LeadScoreEntry'> = {
  model: 'LeadScoreEntry',
  cursor: 'id',
  served: { customerId: { as: 'part', orders: ['occurredAt'], few: true } },
  order: { columns: {}, default: { column: 'occurredAt', direction: 'desc' } },
};

const text = (creating: boolean) => (creating ? '' : ' An explicit null clears it.');

/** What a rule is made of, in the inputs of mutations and of the preview. */
export const leadScoreRuleInputFields = (t: InputFields, creating: boolean) => ({
  name: t.string({
    required: creating,
    description: 'At most 100 characters; stands as the reason in the breakdown of scores.',
  }),
  description: t.string({ description: 'What it is for.' }),
  eventType: t.field({
    type: ActivityTypeEnum,
    description: `The event that it waits for. Either this or inactiveDays.${text(creating)}`,
  }),
  inactiveDays: t.int({
    description: `Days without any activity after which it fires. Either this or eventType.${text(creating)}`,
  }),
  condition: t.field({
    type: 'JSON',
    description: `What must hold for the event and its customer besides.${text(creating)}`,
  }),
  points: t.int({ required: creating, description: 'From -10000 to 10000, but not 0.' }),
  perAmount: t.field({
    type: MoneyInput,
    description: `Makes the points those for each full amount of this spent in all, less refunds; for PAYMENT_RECORDED and BOOKING_COMPLETED, without caps, expiry and decay.${text(creating)}`,
  }),
  maxOccurrences: t.int({
    description: `How many of its entries count for a customer at most.${text(creating)}`,
  }),
  maxPerPeriod: t.int({
    description: `How many entries a customer gets within periodDays at most.${text(creating)}`,
  }),
  periodDays: t.int({ description: `Goes with maxPerPeriod.${text(creating)}` }),
  expiresAfterDays: t.int({ description: `Days after which its points end.${text(creating)}` }),
  decayPerDay: t.int({
    description: `Points of each entry that are taken away a day, all of them within 365 days.${text(creating)}`,
  }),
  renews: t.boolean({
    description:
      'At maxOccurrences, lets a new entry take the place of the oldest; false unless said otherwise.',
  }),
  active: t.boolean({ description: 'Whether it scores at present; true unless said otherwise.' }),
});

const payload = { field: 'leadScoreRule', type: LeadScoreRule, description: 'The rule as it is now.' };

mutation('createLeadScoreRule', {
  description:
    'Makes a score rule. It scores what happens from now on, and rescoreCustomers what was before; leadScoreRulePreview tells what it would do.',
  input: (t) => ({ ...leadScoreRuleInputFields(t, true), idempotencyKey: idempotencyKeyField(t) }),
  payload,
  failures: [NotFound, AlreadyExists, InvalidState, IdempotencyKeyReused],
  run: createLeadScoreRule,
});

mutation('updateLeadScoreRule', {
  description:
    'Changes the fields of a score rule that are sent. Points that it gave before stay until rescoreCustomers works them out again.',
  input: (t) => ({
    id: t.id({ required: true, description: 'The rule to change.' }),
    ...leadScoreRuleInputFields(t, false),
  }),
  payload,
  failures: [NotFound, AlreadyExists],
  run: updateLeadScoreRule,
});

mutation('deleteLeadScoreRule', {
  description:
    'Deletes a score rule, for good. Points that it gave stay until they end or rescoreCustomers works scores out without it.',
  input: (t) => ({ id: t.id({ required: true, description: 'The rule to delete.' }) }),
  payload: {
    field: 'deletedLeadScoreRuleId',
    type: 'ID',
    description: 'The id that it had.',
    of: ({ id }) => encodeId('LeadScoreRule', id),
  },
  failures: [NotFound],
  run: deleteLeadScoreRule,
});
