import {
  executeSubscriptionEvent,
  type GraphQLObjectType,
  getNamedType,
  isLeafType,
  isNonNullType,
  parse,
  type ValidatedSubscriptionArgs,
  validate,
  validateSubscriptionArgs,
} from 'graphql';
import { afterAll, expect, test } from 'vitest';
import { openLocalBus } from '../../src/core/bus.ts';
import type { Event } from '../../src/core/database.ts';
import { decodeId, newId } from '../../src/core/ids.ts';
import { openReader } from '../../src/core/reader.ts';
import { openEventLog } from '../../src/events/log.ts';
import { schema } from '../../src/schema/schema.ts';
import { createReads } from '../../src/server/reads/createReads.ts';
import { openTestDatabase, readerOf, urlOf } from '../support/context.ts';
import { makeHardRows } from './hardRows.ts';
import { randomOf, randomQuery } from './randomQuery.ts';

const db = await openTestDatabase();
const rows = await makeHardRows(db);
const reader = openReader(urlOf(db), { poolSize: 4 });
const outcomes: string[] = [];
const reads = createReads(schema, reader, (outcome) => void outcomes.push(outcome));
const eventLog = openEventLog(db, readerOf(db), openLocalBus());
const stored = await db.event.findMany({ where: { workspaceId: rows.admin.workspace.id } });

afterAll(async () => {
  eventLog.close();
  await reader.close();
});

const uuids = (type: string) => (rows.ids[type] ?? []).map((id) => decodeId(id)?.uuid as string);
const like = (type: string, subjectId: string, data: object): Event =>
  ({ ...stored[0], type, subjectId, customerId: uuids('Customer')[0], data }) as Event;

/** Events as each subscription gets them. */
const eventsOf: Record<string, Event[]> = {
  activityAdded: stored,
  bookingChanged: uuids('Booking').map((id) => like('booking.created', id, { status: 'PENDING' })),
  leadScoreChanged: uuids('Customer').map((id) =>
    like('lead_score.changed', id, {
      ...{ previousScore: 3, score: 12, previousGrade: 'COLD', grade: 'WARM' },
      reason: 'Booked "twice" +9, \u2028',
    }),
  ),
  segmentMembershipChanged: [like('segment.joined', newId(), {})],
  bulkOperationProgress: uuids('BulkOperation').map((id) => like('bulk_operation.progressed', id, {})),
};

function argsOf(source: string, variableValues: Record<string, unknown>): ValidatedSubscriptionArgs {
  const document = parse(source);
  const invalid = validate(schema, document);
  if (invalid.length > 0) throw new Error(`${invalid[0]?.message}\n${source}`);
  const args = validateSubscriptionArgs({ schema, document, variableValues });
  if (!('operation' in args)) throw new Error(`${args[0]?.message}\n${source}`);
  return args;
}

/** What both paths make of an event; null when the compiler leaves it to the executor. */
async function both(args: ValidatedSubscriptionArgs, event: Event, as = 'admin') {
  const contextValue = { ...rows.viewers[as], eventLog } as object;
  const told = { ...args, rootValue: { cursor: 'c "1"', event }, contextValue };
  const planned = await reads.deliver(told);
  expect(await reads.deliver(told)).toBe(planned);
  return { planned, normal: JSON.stringify(await executeSubscriptionEvent({ ...told })) };
}

test('Every subscription is planned, to the last leaf of what it shows.', async () => {
  for (const field of Object.values(schema.getSubscriptionType()?.getFields() ?? {})) {
    const shown = Object.values((getNamedType(field.type) as GraphQLObjectType).getFields());
    const parts = shown.map(({ name, type }) =>
      isLeafType(getNamedType(type)) ? name : `${name} { again: __typename id }`,
    );
    const required = field.args.some(({ type }) => isNonNullType(type)) ? '(id: "any")' : '';
    const args = argsOf(`subscription { a: ${field.name}${required} { ${parts.join(' ')} __typename } }`, {});
    const events = eventsOf[field.name] ?? [];
    expect(events.length, field.name).toBeGreaterThan(0);
    for (const event of events.slice(0, 5)) {
      const { planned, normal } = await both(args, event);
      expect(planned, field.name).toBe(normal);
    }
  }
});

test('Both paths show the same of an event, whatever is asked for, by whoever asks.', async () => {
  let compared = 0;
  for (let seed = 1; seed <= 150; seed++) {
    const { source, variables } = randomQuery(seed, rows, 'subscription');
    const { pick, chance } = randomOf(seed);
    const as = chance(0.5) ? 'admin' : pick(Object.keys(rows.viewers));
    const [, name = ''] = /^subscription Q.*?\{ (?:a\d+: )?(\w+)/.exec(source) ?? [];
    const document = parse(source);
    if (validate(schema, document).length > 0) throw new Error(`Seed ${seed}: not valid\n${source}`);
    const args = validateSubscriptionArgs({ schema, document, variableValues: variables });
    if (!('operation' in args)) continue; // An argument of a list further down is refused.
    const { planned, normal } = await both(args, pick(eventsOf[name] ?? []), as);
    if (planned === null) continue;
    compared++;
    if (planned !== normal)
      throw new Error(`Seed ${seed} as ${as}:\n${source}\nnormal:  ${normal}\nplanned: ${planned}`);
  }
  expect(compared).toBeGreaterThan(40);
});

test('What a viewer may not see of an event is left to the executor, with its errors.', async () => {
  const args = argsOf(
    'subscription { leadScoreChanged { score customer { email payments { totalCount } } } }',
    {},
  );
  const [event] = eventsOf.leadScoreChanged as [Event];
  const nobody = { ...rows.admin, viewer: { ...rows.admin.viewer, permissions: new Set() }, eventLog };
  const told = { ...args, rootValue: { cursor: 'c', event }, contextValue: nobody };
  expect(await reads.deliver(told)).toBeNull();
  expect(outcomes.at(-1)).toBe('fallback');
});

test('A subscription is no query: nothing answers it but an event.', async () => {
  const document = parse('subscription { activityAdded { cursor } }');
  const asked = { schema, document, contextValue: { ...rows.admin, eventLog } };
  expect(await reads.answer(asked)).toBeNull();
  expect(await reads.execute(asked)).toBeNull();
});
