import type { IntegrationConnection as Row } from '../core/database.ts';
import { AlreadyExists, IdempotencyKeyReused, InvalidState, NotFound } from '../core/errors.ts';
import { encodeId } from '../core/ids.ts';
import { adapterOf } from '../integrations/adapters.ts';
import { type AutomationSlot, automationsOf } from '../resolvers/connections/automationsOf.ts';
import { type Backlog, backlogOf } from '../resolvers/connections/backlogOf.ts';
import { connectIntegration } from '../resolvers/connections/connectIntegration.ts';
import { disconnectIntegration } from '../resolvers/connections/disconnectIntegration.ts';
import { pauseIntegration } from '../resolvers/connections/pauseIntegration.ts';
import { repairIntegrationDrift } from '../resolvers/connections/repairIntegrationDrift.ts';
import { resumeIntegration } from '../resolvers/connections/resumeIntegration.ts';
import { startBackfill } from '../resolvers/connections/startBackfill.ts';
import { startDriftCheck } from '../resolvers/connections/startDriftCheck.ts';
import { type Stats, statsOf } from '../resolvers/connections/statsOf.ts';
import { updateIntegration } from '../resolvers/connections/updateIntegration.ts';
import { retryDelivery } from '../resolvers/deliveries/retryDelivery.ts';
import { builder, type GraphQLContext } from './builder.ts';
import { BulkOperation } from './bulkOperation.ts';
import {
  AutomationViaEnum,
  ConnectionHealthEnum,
  ConnectionStatusEnum,
  DeliveryKindEnum,
  DeliveryStatusEnum,
  DriftWinnerEnum,
} from './enums.ts';
import { conditions, enumFilter } from './filters.ts';
import { idempotencyKeyField, mutation } from './mutation.ts';
import { computed, guarded, type List, objectOf, one, orderInput, page, related } from './read.ts';
import { remoteFields } from './remoteAccount.ts';

const id = {
  field: 'id',
  description: 'Sorts by the time of creation; the same in GraphQL, REST and webhooks.',
} as const;

const BacklogObject = builder.objectRef<Backlog>('IntegrationBacklog').implement({
  description: 'What there is to do for a connection.',
  fields: (t) => ({
    waiting: t.exposeInt('waiting', {
      description: 'Deliveries that wait or are under way, those of a later time too.',
    }),
    parked: t.exposeInt('parked', { description: 'Deliveries that wait for somebody to look at them.' }),
  }),
});

const StatsObject = builder.objectRef<Stats>('IntegrationStats').implement({
  description:
    'How a connection has done of late; of calls and of deliveries the newest 10,000 are looked at. Backfills are not in it.',
  fields: (t) => ({
    sent: t.exposeInt('sent', {
      description: 'Deliveries that were done; of one contact the last time counts.',
    }),
    sentWithin5Seconds: t.exposeInt('sentWithin5Seconds', {
      description: 'Those among them that were done within five seconds of the change.',
    }),
    medianLagMilliseconds: t.exposeInt('medianLagMilliseconds', {
      nullable: true,
      description:
        'From the change to the end of its delivery, for half of them; null when nothing was sent.',
    }),
    p99LagMilliseconds: t.exposeInt('p99LagMilliseconds', {
      nullable: true,
      description: 'The same for 99 of a hundred.',
    }),
    parked: t.exposeInt('parked', {
      description: 'Deliveries that wait for somebody to look at them, since whenever.',
    }),
    calls: t.exposeInt('calls', { description: 'Calls to the system.' }),
    callsFailed: t.exposeInt('callsFailed', {
      description: 'Those among them that failed, also where a later one made up for it.',
    }),
  }),
});

const AutomationObject = builder.objectRef<AutomationSlot>('IntegrationAutomation').implement({
  description: 'An automation in an outside system, and what starts it.',
  fields: (t) => ({
    slot: t.exposeString('slot', {
      description: 'Its purpose: post_booking, review_request, win_back, or your own.',
    }),
    active: t.exposeBoolean('active', {
      description: 'Whether it is started; automations as a whole must be too.',
    }),
    via: t.expose('via', { type: AutomationViaEnum, description: 'How it is started.' }),
    automationId: t.exposeID('automationId', {
      nullable: true,
      description: 'Its id there; null when it is started by an event.',
    }),
    trackedEvent: t.exposeString('trackedEvent', {
      nullable: true,
      description: 'The event that is tracked for it; null when it is started by itself.',
    }),
    triggerEvent: t.exposeString('triggerEvent', { description: 'The event here that starts it.' }),
    tag: t.exposeString('tag', { nullable: true, description: 'Only for this tag, by its name.' }),
    segmentId: t.exposeID('segmentId', { nullable: true, description: 'Only for this segment.' }),
    delayMinutes: t.exposeInt('delayMinutes', {
      description:
        "How long after the booking's end it is started, or after the event where there is no booking.",
    }),
    triggerCount: t.exposeInt('triggerCount', {
      description: 'How often it was started for somebody; what was not wanted after all is not counted.',
    }),
    lastTriggeredAt: t.expose('lastTriggeredAt', {
      type: 'DateTime',
      nullable: true,
      description: 'When it was last started; null when it never was.',
    }),
  }),
});

objectOf(
  'IntegrationCall',
  'IntegrationCall',
  builder.prismaNode('IntegrationCall', {
    id,
    findUnique: (id, ctx) => ({ id, workspaceId: ctx.workspace.id }),
    nullable: true,
    description: 'One call to an outside system: what, when and how it went. What was said is not kept.',
    select: { id: true },
    fields: (t) => ({
      method: t.exposeString('method', { description: 'Of HTTP.' }),
      path: t.exposeString('path', { description: 'What was asked for, without the query.' }),
      result: t.exposeString('result', { description: 'OK, or the kind of failure.' }),
      status: t.exposeInt('status', { nullable: true, description: 'Of HTTP; null when no answer came.' }),
      message: t.exposeString('message', {
        nullable: true,
        description: 'What was wrong; addresses and numbers in it are masked.',
      }),
      tookMilliseconds: t.exposeInt('durationMs', { description: 'From its start to the answer.' }),
      waitedMilliseconds: t.exposeInt('waitedMs', {
        description: "How long it waited for its turn in the account's rate budget.",
      }),
      createdAt: t.expose('createdAt', { type: 'DateTime', description: 'When it ended.' }),
    }),
  }),
);

const byTime = (what: string) => ({ CREATED_AT: { column: 'createdAt', description: what } }) as const;

const integrationCallList: List<'IntegrationCall'> = {
  model: 'IntegrationCall',
  cursor: 'id',
  served: { connectionId: { as: 'part', orders: ['createdAt'] } },
  order: orderInput('IntegrationCall', byTime('When they ended.'), {
    column: 'createdAt',
    direction: 'desc',
  }),
};

const Delivery = objectOf(
  'Delivery',
  'Delivery',
  builder.prismaNode('Delivery', {
    id,
    findUnique: (id, ctx) => ({ id, workspaceId: ctx.workspace.id }),
    nullable: true,
    description:
      'Something to be done at an outside system. Those of contacts are one a customer, and done again at each change.',
    select: { id: true },
    fields: (t) => ({
      kind: t.expose('kind', { type: DeliveryKindEnum, description: 'What it does.' }),
      status: t.expose('status', { type: DeliveryStatusEnum, description: 'Where it stands.' }),
      attempts: t.exposeInt('attempts', { description: 'Attempts since it last went well.' }),
      error: t.exposeString('error', {
        nullable: true,
        description: 'Why the last attempt failed, or why it is not wanted.',
      }),
      nextAt: t.expose('nextAt', { type: 'DateTime', description: 'When it is tried next, while it waits.' }),
      askedAt: t.expose('askedAt', {
        type: 'DateTime',
        description: 'When the change happened that it tells of.',
      }),
      doneAt: t.expose('doneAt', { type: 'DateTime', nullable: true, description: 'When it was done.' }),
      viewerCanRetry: t.boolean({
        description: 'Whether you may have it tried again, and it is parked.',
        ...guarded(undefined, { shape: 'computed', columns: ['status'] }),
        select: { status: true },
        resolve: ({ status }, _args: object, ctx: GraphQLContext) =>
          status === 'PARKED' && ctx.viewer.permissions.has('integrations.write'),
      }),
      createdAt: t.expose('createdAt', { type: 'DateTime', description: 'When it was first asked for.' }),
    }),
  }),
);

const DeliveryFilter = builder.inputType('DeliveryFilter', {
  description: 'Which deliveries; every condition given must hold.',
  fields: (t) => ({
    status: t.field({
      type: enumFilter('DeliveryStatusFilter', DeliveryStatusEnum),
      description: 'Where they stand.',
    }),
  }),
});

type Given = Record<string, unknown> | null | undefined;

const deliveryList: List<'Delivery'> = {
  model: 'Delivery',
  cursor: 'id',
  filter: {
    type: DeliveryFilter as never,
    where: (filter: Record<string, Given>) => ({ status: conditions(filter.status) }),
  },
  served: {
    connectionId: { as: 'part', orders: ['createdAt'], few: true },
    status: { as: 'part', orders: ['createdAt'] },
  },
  order: orderInput('Delivery', byTime('When they were first asked for.'), {
    column: 'createdAt',
    direction: 'desc',
  }),
};

objectOf(
  'IntegrationDrift',
  'IntegrationDrift',
  builder.prismaNode('IntegrationDrift', {
    id,
    findUnique: (id, ctx) => ({ id, workspaceId: ctx.workspace.id }),
    nullable: true,
    description: 'A contact that differs from its customer, as the last check found it.',
    select: { id: true },
    fields: (t) => ({
      difference: t.exposeString('difference', { description: 'DIFFERS, MISSING_THERE or MISSING_HERE.' }),
      fields: t.exposeStringList('fields', { description: 'Fields that differ, by their names here.' }),
      remoteId: t.exposeString('remoteId', { nullable: true, description: "The contact's id there." }),
      customerId: computed<{ customerId: string | null }>(
        t,
        'ID',
        ['customerId'],
        { nullable: true, description: 'The customer here; null when there is none.' },
        ({ customerId }) => customerId && encodeId('Customer', customerId),
      ),
      createdAt: t.expose('createdAt', { type: 'DateTime', description: 'When it was found.' }),
    }),
  }),
);

const integrationDriftList: List<'IntegrationDrift'> = {
  model: 'IntegrationDrift',
  cursor: 'id',
  served: { connectionId: { as: 'part', orders: ['createdAt'] } },
  order: orderInput('IntegrationDrift', byTime('When they were found.'), {
    column: 'createdAt',
    direction: 'desc',
  }),
};

export const IntegrationConnection = objectOf(
  'IntegrationConnection',
  'IntegrationConnection',
  builder.prismaNode('IntegrationConnection', {
    id,
    findUnique: (id, ctx) => ({ id, workspaceId: ctx.workspace.id }),
    nullable: true,
    description: 'A link to one account of an outside system, such as ActiveCampaign.',
    select: { id: true },
    fields: (t) => ({
      integration: t.exposeString('integration', {
        description: 'Which system: activecampaign, hubspot, badgemaker.',
      }),
      name: t.exposeString('name', { description: 'What the business calls it.' }),
      accountName: t.exposeString('accountName', { description: 'Which account there.' }),
      status: t.expose('status', { type: ConnectionStatusEnum, description: 'Whether it works.' }),
      health: t.expose('health', {
        type: ConnectionHealthEnum,
        description: 'How the system has answered of late.',
      }),
      failures: t.exposeInt('failures', { description: 'Failures since the last success.' }),
      retryAt: t.expose('retryAt', {
        type: 'DateTime',
        nullable: true,
        description: 'Until when nothing is sent, after failures.',
      }),
      lastError: t.exposeString('lastError', { nullable: true, description: 'What went wrong last.' }),
      lastErrorAt: t.expose('lastErrorAt', {
        type: 'DateTime',
        nullable: true,
        description: 'When something went wrong last.',
      }),
      lastSuccessAt: t.expose('lastSuccessAt', {
        type: 'DateTime',
        nullable: true,
        description: 'When the system last did as it was asked, to the second.',
      }),
      polledAt: t.expose('polledAt', {
        type: 'DateTime',
        nullable: true,
        description: 'When changes there were last looked for.',
      }),
      settings: t.expose('settings', {
        type: 'JSON',
        description: 'What it was set up with; secrets are left out.',
      }),
      callSpacingMilliseconds: computed<Pick<Row, 'integration' | 'settings'>>(
        t,
        'Int',
        ['integration', 'settings'],
        {
          description:
            'Milliseconds between the starts of two calls to the account, over all processes; 0 for no limit.',
        },
        ({ integration, settings }) => adapterOf(integration)?.spacingMs(settings) ?? 0,
      ),
      backlog: t.field({
        type: BacklogObject,
        description: 'What there is to do for it.',
        ...guarded(undefined, { shape: 'opaque' }),
        select: { id: true },
        resolve: ({ id }, _args: object, ctx: GraphQLContext) => backlogOf(ctx, id),
      }),
      stats: t.field({
        type: StatsObject,
        description: 'How it has done of late.',
        args: {
          lastHours: t.arg.int({
            defaultValue: 24,
            description: 'How far back, in hours; no further than the logs, as the settings say.',
          }),
        },
        ...guarded(undefined, { shape: 'opaque' }),
        select: { id: true },
        resolve: ({ id }, { lastHours }, ctx: GraphQLContext) => statsOf(ctx, id, lastHours ?? 24),
      }),
      automations: t.field({
        type: [AutomationObject],
        description:
          'Automations by their purpose, as the settings have them, and how often each was started.',
        ...guarded(undefined, { shape: 'opaque' }),
        select: { id: true, settings: true },
        resolve: (row, _args: object, ctx: GraphQLContext) => automationsOf(ctx, row),
      }),
      ...remoteFields(t),
      calls: related(
        t,
        'calls',
        integrationCallList,
        'What was called there, newest first; kept as long as its settings say.',
      ),
      deliveries: related(t, 'deliveries', deliveryList, 'What was or is to be done there, newest first.'),
      drifts: related(
        t,
        'drifts',
        integrationDriftList,
        'Where the two sides differ, as the last check found it.',
      ),
      viewerCanUpdate: t.boolean({
        description: 'Whether you may change it, and it is not disconnected.',
        ...guarded(undefined, { shape: 'computed', columns: ['status'] }),
        select: { status: true },
        resolve: ({ status }, _args: object, ctx: GraphQLContext) =>
          status !== 'DISCONNECTED' && ctx.viewer.permissions.has('integrations.write'),
      }),
      createdAt: t.expose('createdAt', { type: 'DateTime', description: 'When it was made.' }),
    }),
  }),
);

const integrationConnectionList: List<'IntegrationConnection'> = {
  model: 'IntegrationConnection',
  cursor: 'id',
  order: orderInput('IntegrationConnection', byTime('When they were made.'), {
    column: 'createdAt',
    direction: 'desc',
  }),
};

builder.queryField('integrationConnection', (t) =>
  one(
    t,
    'IntegrationConnection',
    'IntegrationConnection',
    'The connection with this id; null when there is none that you can see.',
  ),
);
builder.queryField('integrationConnections', (t) =>
  page(t, integrationConnectionList, 'Connections to outside systems, disconnected ones too, newest first.'),
);

const payload = {
  field: 'integrationConnection',
  type: IntegrationConnection,
  description: 'The connection as it is now.',
};

mutation('connectIntegration', {
  description:
    'Connects an account of an outside system. It is asked whether the settings work before anything is saved.',
  input: (t) => ({
    integration: t.string({
      required: true,
      description: 'Which system: activecampaign, hubspot, badgemaker.',
    }),
    name: t.string({ description: "What the business calls it; the system's name when left out." }),
    settings: t.field({
      type: 'JSON',
      required: true,
      description: 'What the system needs to know; docs/integrations.md lists the settings of each.',
    }),
    idempotencyKey: idempotencyKeyField(t),
  }),
  payload: [
    { ...payload, of: ({ connection }) => connection },
    {
      field: 'webhookUrl',
      type: 'String',
      nullable: true,
      description:
        'Where the system sends its messages. Told this once, since it is a secret: null when a call is repeated, and for systems that send none.',
      of: ({ webhookUrl }) => webhookUrl,
    },
    {
      field: 'signingSecret',
      type: 'String',
      nullable: true,
      description: 'What the system must sign its messages with, where one was made. Told this once.',
      of: ({ signingSecret }) => signingSecret,
    },
  ],
  failures: [AlreadyExists, InvalidState, IdempotencyKeyReused],
  run: connectIntegration,
});

mutation('updateIntegration', {
  description:
    'Changes the settings of a connection that are sent. They are tried out before they are saved.',
  input: (t) => ({
    id: t.id({ required: true, description: 'The connection to change.' }),
    name: t.string({ description: 'What the business calls it.' }),
    settings: t.field({
      type: 'JSON',
      description: 'Settings to change; null takes one back to what it is when nobody says anything.',
    }),
  }),
  payload,
  failures: [NotFound, InvalidState],
  run: updateIntegration,
});

const which = (t: Parameters<Parameters<typeof mutation>[1]['input']>[0]) => ({
  id: t.id({ required: true, description: 'The connection.' }),
});

mutation('pauseIntegration', {
  description: 'Puts a connection to rest. What there is to do is kept, and waits.',
  input: which,
  payload,
  failures: [NotFound, InvalidState],
  run: pauseIntegration,
});

mutation('resumeIntegration', {
  description: 'Lets a connection go on, at once also where it was waiting after failures.',
  input: (t) => ({
    ...which(t),
    retryParked: t.boolean({ description: 'Whether everything that is parked is tried again too.' }),
  }),
  payload,
  failures: [NotFound, InvalidState],
  run: resumeIntegration,
});

mutation('disconnectIntegration', {
  description:
    'Takes a connection apart. Its secrets go, and what waits is dropped; its log stays. Nothing is deleted in the outside system.',
  input: which,
  payload,
  failures: [NotFound, InvalidState],
  run: disconnectIntegration,
});

mutation('retryDelivery', {
  description: 'Has a parked delivery tried again.',
  input: (t) => ({ id: t.id({ required: true, description: 'The delivery.' }) }),
  payload: { field: 'delivery', type: Delivery, description: 'The delivery as it is now.' },
  failures: [NotFound, InvalidState],
  run: retryDelivery,
});

const work = (t: Parameters<Parameters<typeof mutation>[1]['input']>[0]) => ({
  connectionId: t.id({ required: true, description: 'The connection.' }),
  idempotencyKey: idempotencyKeyField(t),
});
const operation = {
  field: 'bulkOperation',
  type: BulkOperation,
  description: 'The operation, waiting for a worker.',
};

mutation('startBackfill', {
  description:
    'Starts to send every customer to a connected system. What is there already as it is here is not sent again.',
  input: work,
  payload: operation,
  failures: [NotFound, InvalidState, IdempotencyKeyReused],
  run: startBackfill,
});

mutation('startDriftCheck', {
  description:
    'Starts to compare every contact of a connected system with its customer; the connection then lists where they differ. Changes nothing.',
  input: work,
  payload: operation,
  failures: [NotFound, InvalidState, IdempotencyKeyReused],
  run: startDriftCheck,
});

mutation('repairIntegrationDrift', {
  description:
    'Mends what the last check found, up to 5,000 differences at once, with one side in the right. Deletes nobody.',
  input: (t) => ({
    ...which(t),
    winner: t.field({ type: DriftWinnerEnum, required: true, description: 'Which side is right.' }),
    driftIds: t.idList({ description: 'Only these differences, at most 100; all when left out.' }),
  }),
  payload,
  failures: [NotFound, InvalidState],
  run: repairIntegrationDrift,
});
