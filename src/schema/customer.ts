import { AlreadyExists, IdempotencyKeyReused, InvalidState, NotFound } from '../core/errors.ts';
import { createCustomer } from '../resolvers/customers/createCustomer.ts';
import { deleteCustomer } from '../resolvers/customers/deleteCustomer.ts';
import { searchedWords, searchWhere } from '../resolvers/customers/searchable.ts';
import { updateCustomer } from '../resolvers/customers/updateCustomer.ts';
import { activityList } from './activity.ts';
import { bookingList } from './booking.ts';
import { builder } from './builder.ts';
import { CustomerStatusEnum, LeadGradeEnum, LifecycleStageEnum } from './enums.ts';
import { conditions, DateTimeFilter, enumFilter, IdFilter, idConditions, StringFilter } from './filters.ts';
import { leadScoreEntryList } from './leadScoreRule.ts';
import { MoneyObject } from './money.ts';
import { idempotencyKeyField, mutation } from './mutation.ts';
import { paymentList } from './payment.ts';
import {
  computed,
  guarded,
  type List,
  objectOf,
  one,
  orderInput,
  page,
  related,
  relation,
  through,
} from './read.ts';

const CustomerStats = builder.prismaObject('Customer', {
  variant: 'CustomerStats',
  description: 'What a customer has done so far, in figures.',
  select: { id: true },
  fields: (t) => ({
    totalBookings: t.exposeInt('totalBookings', { description: 'Bookings of any status.' }),
    completedBookings: t.exposeInt('completedBookings', { description: 'Bookings that took place.' }),
    cancelledBookings: t.exposeInt('cancelledBookings', { description: 'Bookings that were called off.' }),
    noShowBookings: t.exposeInt('noShowBookings', {
      description: 'Bookings to which the customer did not come.',
    }),
    firstBookingAt: t.expose('firstBookingAt', {
      type: 'DateTime',
      nullable: true,
      description: 'Start of the earliest booking that was neither cancelled nor missed.',
    }),
    lastBookingAt: t.expose('lastBookingAt', {
      type: 'DateTime',
      nullable: true,
      description:
        'Start of the latest booking that was neither cancelled nor missed; it may be yet to come.',
    }),
    lastVisitAt: t.expose('lastVisitAt', {
      type: 'DateTime',
      nullable: true,
      description: 'Start of the latest completed booking.',
    }),
    totalSpent: t.field({
      type: [MoneyObject],
      description: 'Payments less refunds: one sum per currency, since sums over currencies mean nothing.',
      ...guarded('payments.read', { shape: 'computed', relation: 'spending' }),
      select: { spending: { select: { amountMinor: true, currency: true }, orderBy: { currency: 'asc' } } },
      resolve: ({ spending }) =>
        spending.map(({ amountMinor, currency }) => ({ minor: amountMinor, currency })),
    }),
  }),
});

const LeadScore = builder.prismaObject('Customer', {
  variant: 'LeadScore',
  description: 'How warm a customer is as a lead.',
  select: { id: true },
  fields: (t) => ({
    score: t.exposeInt('leadScore', { description: 'Points in all; may be negative.' }),
    grade: t.expose('leadGrade', { type: LeadGradeEnum, description: 'The band that the score falls into.' }),
    lastActivityAt: t.field({
      type: 'DateTime',
      nullable: true,
      description: 'When they last did something of their own accord; rules about silence count from there.',
      ...guarded('activities.read', { shape: 'computed', relation: 'scoreState' }),
      select: { scoreState: { select: { lastAt: true } } },
      resolve: ({ scoreState }) => scoreState?.lastAt ?? null,
    }),
    calculatedAt: t.field({
      type: 'DateTime',
      nullable: true,
      description: 'When the score was last worked out; null until something counted.',
      ...guarded(undefined, { shape: 'computed', relation: 'scoreState' }),
      select: { scoreState: { select: { calculatedAt: true } } },
      resolve: ({ scoreState }) => scoreState?.calculatedAt ?? null,
    }),
    breakdown: related(
      t,
      'scoreEntries',
      leadScoreEntryList,
      'Every entry that the score is the sum of, and those that do not count any more, newest first.',
    ),
  }),
});

const told = (description: string) => ({ nullable: true, description }) as const;

objectOf(
  'CustomerProfile',
  'CustomerProfile',
  builder.prismaObject('CustomerProfile', {
    description: 'What a customer told about themselves in sign-ups.',
    select: { customerId: true },
    fields: (t) => ({
      dietary: t.exposeString('dietary', told('What they eat, or must not eat.')),
      volunteering: t.exposeString('volunteering', told('What they would help with.')),
      facebook: t.exposeString('facebook', told('Their name or address on Facebook.')),
      instagram: t.exposeString('instagram', told('Their name or address on Instagram.')),
      linkedin: t.exposeString('linkedin', told('Their name or address on LinkedIn.')),
      tiktok: t.exposeString('tiktok', told('Their name or address on TikTok.')),
      twitter: t.exposeString('twitter', told('Their name or address on X, once Twitter.')),
      youtube: t.exposeString('youtube', told('Their name or address on YouTube.')),
      badgeName: t.exposeString('badgeName', told('The name on their badge.')),
      badgeImageUrl: t.exposeString('badgeImageUrl', told('Where the picture on their badge is.')),
      emergencyContactName: t.exposeString('emergencyContactName', told('Whom to call in an emergency.')),
      emergencyContactPhone: t.exposeString(
        'emergencyContactPhone',
        told('The number to call, as they wrote it.'),
      ),
      lastEventName: t.exposeString('lastEventName', told('The event that they signed up for last.')),
    }),
  }),
);

export const Customer = objectOf(
  'Customer',
  'Customer',
  builder.prismaNode('Customer', {
    id: {
      field: 'id',
      description: 'Sorts by the time of creation; the same in GraphQL, REST and webhooks.',
    },
    findUnique: (id, ctx) => ({ id, workspaceId: ctx.workspace.id }),
    nullable: true,
    description: 'A person or company that books.',
    select: { id: true },
    fields: (t) => ({
      externalId: t.exposeString('externalId', {
        nullable: true,
        description: 'Identity in the system the customer came from; unique.',
      }),
      firstName: t.exposeString('firstName', { nullable: true, description: 'Given name.' }),
      lastName: t.exposeString('lastName', { nullable: true, description: 'Family name.' }),
      fullName: computed<{ firstName: string | null; lastName: string | null; companyName: string | null }>(
        t,
        'String',
        ['firstName', 'lastName', 'companyName'],
        { nullable: true, description: 'First and last name, or else the company; null when none is known.' },
        ({ firstName, lastName, companyName }) =>
          [firstName, lastName].filter(Boolean).join(' ') || companyName,
      ),
      email: t.exposeString('email', { nullable: true, description: 'Lower case; unique in the workspace.' }),
      phone: t.exposeString('phone', { nullable: true, description: 'In E.164 form: +4930901820.' }),
      companyName: t.exposeString('companyName', {
        nullable: true,
        description: 'The company they book for.',
      }),
      jobTitle: t.exposeString('jobTitle', { nullable: true, description: 'What they do there.' }),
      website: t.exposeString('website', { nullable: true, description: 'Web address.' }),
      avatarUrl: t.exposeString('avatarUrl', { nullable: true, description: 'Web address of a picture.' }),
      bornOn: t.expose('bornOn', { type: 'Date', nullable: true, description: 'Date of birth.' }),
      country: t.exposeString('country', { nullable: true, description: 'ISO 3166-1 alpha-2 code.' }),
      timeZone: t.expose('timeZone', {
        type: 'TimeZone',
        nullable: true,
        description: 'Where the customer lives by the clock.',
      }),
      language: t.exposeString('language', {
        nullable: true,
        description: 'BCP 47 tag of the language to write in.',
      }),
      referralSource: t.exposeString('referralSource', {
        nullable: true,
        description: 'Who or what sent them.',
        ...guarded('insights.read'),
      }),
      source: t.exposeString('source', {
        nullable: true,
        description: 'Where the record came from: a form, a channel, a file.',
        ...guarded('insights.read'),
      }),
      status: t.expose('status', {
        type: CustomerStatusEnum,
        description: 'Whether the business works with them at present.',
        ...guarded('insights.read'),
      }),
      lifecycleStage: t.expose('lifecycleStage', {
        type: LifecycleStageEnum,
        description: 'Where they stand in the relationship with the business.',
        ...guarded('insights.read'),
      }),
      vip: t.exposeBoolean('vip', {
        description: 'Marked by the business as especially important.',
        ...guarded('insights.read'),
      }),
      doNotContact: t.exposeBoolean('doNotContact', {
        description: 'Must not be written to or called, whatever the reason.',
        ...guarded('insights.read'),
      }),
      marketingConsent: t.exposeBoolean('marketingConsent', {
        description: 'Whether they agreed to marketing.',
        ...guarded('insights.read'),
      }),
      marketingConsentAt: t.expose('marketingConsentAt', {
        type: 'DateTime',
        nullable: true,
        description: 'When they last agreed to marketing, or took it back.',
        ...guarded('insights.read'),
      }),
      marketingConsentSource: t.exposeString('marketingConsentSource', {
        nullable: true,
        description: 'How that is known: a form, a call, a connected system.',
        ...guarded('insights.read'),
      }),
      profile: relation(t, 'CustomerProfile', 'profile', {
        nullable: true,
        description: 'What they told in sign-ups; null when they never did.',
      }),
      owner: relation(t, 'User', 'owner', { nullable: true, description: 'The user who looks after them.' }),
      team: relation(t, 'Team', 'team', { nullable: true, description: 'The team that looks after them.' }),
      tags: through(t, 'Tag', {
        relation: 'tags',
        to: 'tag',
        orderBy: [{ tag: { slug: 'asc' } }],
        description: 'Labels, by name; at most 100.',
      }),
      segments: through(t, 'Segment', {
        relation: 'segments',
        to: 'segment',
        orderBy: [{ segment: { name: 'asc' } }],
        description: 'Segments that they are in, by name; at most 100.',
      }),
      bookings: related(t, 'bookings', bookingList, 'Their bookings, latest start first.'),
      payments: related(t, 'payments', paymentList, 'Their payments, newest first.'),
      activities: related(t, 'activities', activityList, 'Their timeline, newest first.'),
      stats: t.variant(CustomerStats, {
        description: 'What they have done so far, in figures.',
        ...guarded('insights.read'),
      }),
      leadScore: t.variant(LeadScore, {
        description: 'How warm they are as a lead.',
        ...guarded('insights.read'),
      }),
      createdAt: t.expose('createdAt', { type: 'DateTime', description: 'When they were added.' }),
      updatedAt: t.expose('updatedAt', {
        type: 'DateTime',
        description: 'When their own fields last changed.',
      }),
      deletedAt: t.expose('deletedAt', {
        type: 'DateTime',
        nullable: true,
        description:
          'When they were deleted. Lists leave them out; bookings and payments that stay for the books still refer to them.',
      }),
    }),
  }),
);

const CustomerFilter = builder.inputType('CustomerFilter', {
  description:
    'Which customers; every condition given must hold. Team, stage, tag and segment go together only with createdAt, both ends given and at most 93 days apart; the owner goes with each.',
  fields: (t) => ({
    email: t.field({ type: StringFilter, description: 'Their e-mail address, in lower case.' }),
    phone: t.field({ type: StringFilter, description: 'Their phone number, in E.164 form.' }),
    externalId: t.field({ type: StringFilter, description: 'Their identity in the system they came from.' }),
    ownerId: t.field({ type: IdFilter, description: 'The user who looks after them.' }),
    teamId: t.field({ type: IdFilter, description: 'The team that looks after them.' }),
    tagId: t.field({ type: IdFilter, description: 'A tag that they have.' }),
    segmentId: t.field({ type: IdFilter, description: 'A segment that they are in.' }),
    lifecycleStage: t.field({
      type: enumFilter('LifecycleStageFilter', LifecycleStageEnum),
      description: 'Where they stand.',
    }),
    createdAt: t.field({ type: DateTimeFilter, description: 'When they were added.' }),
    updatedAt: t.field({ type: DateTimeFilter, description: 'When they last changed.' }),
  }),
});

type Given = Record<string, unknown> | null | undefined;

/** A filter without a condition would otherwise ask for any tag at all. */
const wearing = (tagId: object | undefined) => tagId && { some: { tagId } };
const within = (segmentId: object | undefined) => segmentId && { some: { segmentId } };

export const customerList: List<'Customer'> = {
  model: 'Customer',
  cursor: 'id',
  filter: {
    type: CustomerFilter as never,
    needs: {
      lifecycleStage: 'insights.read',
      ownerId: 'users.read',
      teamId: 'users.read',
      tagId: 'tags.read',
      segmentId: 'segments.read',
    },
    where: (filter: Record<string, Given>) => ({
      email: conditions(filter.email),
      phone: conditions(filter.phone),
      externalId: conditions(filter.externalId),
      ownerId: idConditions('User', filter.ownerId),
      teamId: idConditions('Team', filter.teamId),
      tags: wearing(idConditions('Tag', filter.tagId)),
      segments: within(idConditions('Segment', filter.segmentId)),
      lifecycleStage: conditions(filter.lifecycleStage),
      createdAt: conditions(filter.createdAt),
      updatedAt: conditions(filter.updatedAt),
    }),
  },
  search: {
    description:
      'Words that must each begin a word of the name, company, e-mail address or phone number. Case and accents do not matter. Without orderBy the best match comes first: whole words before longer ones, and then the newest customer. With orderBy it is the 1,000 best matches that are put in order.',
    where: searchWhere,
    words: searchedWords,
  },
  served: {
    email: { as: 'key' },
    phone: { as: 'key' },
    externalId: { as: 'key' },
    ownerId: { as: 'part', orders: ['createdAt', 'sortName'], few: true },
    teamId: { as: 'part', orders: ['createdAt', 'sortName'] },
    lifecycleStage: { as: 'part', orders: ['createdAt', 'sortName'] },
    tagId: { as: 'part', orders: ['createdAt'], behind: 'tags' },
    segmentId: { as: 'part', orders: ['createdAt'], behind: 'segments' },
    createdAt: { as: 'span' },
    updatedAt: { as: 'span' },
  },
  order: orderInput(
    'Customer',
    {
      CREATED_AT: { column: 'createdAt', description: 'When they were added.' },
      UPDATED_AT: { column: 'updatedAt', description: 'When they last changed.' },
      NAME: { column: 'sortName', description: 'Last name, first name; case and accents do not matter.' },
      LEAD_SCORE: {
        column: 'leadScore',
        description: 'How many points their lead score has.',
        needs: 'insights.read',
      },
    },
    { column: 'createdAt', direction: 'desc' },
  ),
};

builder.queryField('customer', (t) =>
  one(t, 'Customer', 'Customer', 'The customer with this id; null when there is none that you can see.'),
);
builder.queryField('customers', (t) =>
  page(t, customerList, 'Customers, newest first unless ordered otherwise.'),
);

type Fields = Parameters<Parameters<typeof mutation>[1]['input']>[0];

const customerInputFields = (t: Fields) => ({
  externalId: t.string({ description: 'Identity in the system the customer comes from; unique.' }),
  firstName: t.string({ description: 'Given name.' }),
  lastName: t.string({ description: 'Family name.' }),
  email: t.string({ description: 'Unique in the workspace; kept in lower case.' }),
  phone: t.string({
    description: "As people write it; without + it is a number of the workspace's country.",
  }),
  companyName: t.string({ description: 'The company they book for.' }),
  jobTitle: t.string({ description: 'What they do there.' }),
  website: t.string({ description: 'Web address, http or https.' }),
  avatarUrl: t.string({ description: 'Web address of a picture, http or https.' }),
  bornOn: t.field({ type: 'Date', description: 'Date of birth.' }),
  country: t.string({ description: 'ISO 3166-1 alpha-2 code.' }),
  timeZone: t.field({ type: 'TimeZone', description: 'Where the customer lives by the clock.' }),
  language: t.string({ description: 'BCP 47 tag of the language to write in.' }),
  referralSource: t.string({ description: 'Who or what sent them.' }),
  source: t.string({ description: 'Where the record comes from.' }),
  status: t.field({ type: CustomerStatusEnum, description: 'ACTIVE unless said otherwise.' }),
  lifecycleStage: t.field({ type: LifecycleStageEnum, description: 'NEW unless said otherwise.' }),
  vip: t.boolean({ description: 'Especially important to the business.' }),
  doNotContact: t.boolean({ description: 'Must not be written to or called.' }),
  marketingConsent: t.boolean({
    description: 'Whether they agree to marketing; false unless said otherwise.',
  }),
  marketingConsentSource: t.string({
    description: 'How a changed consent is known: a form, a call, a mail.',
  }),
  ownerId: t.id({ description: 'The user who looks after them.' }),
  teamId: t.id({ description: 'The team that looks after them.' }),
});

const payload = { field: 'customer', type: Customer, description: 'The customer as they are now.' };

mutation('createCustomer', {
  description: 'Adds a customer. Needs a name, company, e-mail address or phone number.',
  input: (t) => ({ ...customerInputFields(t), idempotencyKey: idempotencyKeyField(t) }),
  payload,
  failures: [NotFound, AlreadyExists, IdempotencyKeyReused],
  run: createCustomer,
});

mutation('updateCustomer', {
  description: 'Changes the fields of a customer that are sent; an explicit null clears.',
  input: (t) => ({
    id: t.id({ required: true, description: 'The customer to change.' }),
    ...customerInputFields(t),
  }),
  payload,
  failures: [NotFound, AlreadyExists],
  run: updateCustomer,
});

mutation('deleteCustomer', {
  description:
    'Deletes a customer and erases their personal data everywhere, for good. Bookings and payments stay for the books, without a name. Refused while a booking is to come.',
  input: (t) => ({ id: t.id({ required: true, description: 'The customer to delete.' }) }),
  payload: { field: 'customer', type: Customer, description: 'What is left of the customer.' },
  failures: [NotFound, InvalidState],
  run: deleteCustomer,
});
