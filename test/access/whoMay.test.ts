import {
  type ExecutionResult,
  execute,
  type GraphQLField,
  type GraphQLObjectType,
  getNamedType,
  graphql,
  isInputObjectType,
  isInterfaceType,
  isLeafType,
  isObjectType,
  isRequiredArgument,
  parse,
  subscribe,
} from 'graphql';
import { pino } from 'pino';
import { afterAll, describe, expect, test } from 'vitest';
import { decodeId, encodeId, type IdType, newId } from '../../src/core/ids.ts';
import type { Permission } from '../../src/core/permissions.ts';
import { openReader } from '../../src/core/reader.ts';
import { mayReceive, visible } from '../../src/core/visible.ts';
import { encodeCursor } from '../../src/events/cursor.ts';
import { updateBooking } from '../../src/resolvers/bookings/updateBooking.ts';
import { cancelBulkOperation } from '../../src/resolvers/bulkOperations/cancelBulkOperation.ts';
import { updateCustomer } from '../../src/resolvers/customers/updateCustomer.ts';
import { adjustLeadScore } from '../../src/resolvers/leadScores/adjustLeadScore.ts';
import { addSegmentMembers } from '../../src/resolvers/segments/addSegmentMembers.ts';
import { schema } from '../../src/schema/schema.ts';
import type { Caller } from '../../src/server/callers.ts';
import type { OperationContext } from '../../src/server/graphqlContext.ts';
import { publicError } from '../../src/server/publicError.ts';
import { createReads } from '../../src/server/reads/createReads.ts';
import { fingerprint, openTestDatabase, urlOf } from '../support/context.ts';
import {
  type Change,
  conditions,
  mutations,
  nested,
  nodes,
  queries,
  type Right,
  type Role,
  subscriptions,
} from './table.ts';
import {
  type CustomerName,
  customerNames,
  freeSlot,
  type Kept,
  makeWorld,
  type Thing,
  uuid,
  without,
} from './world.ts';

/**
 * Everybody asks for everything. What each may is in `table.ts`; which rows each reaches is in `reach`, here. Runs
 * against the real schema and a real database, with callers signed in as the server signs them in. Every query is asked
 * of the executor and of the compiler (src/server/reads).
 */

const db = await openTestDatabase();
const world = await makeWorld(db);
afterAll(world.close);
const { ours, theirs, customers, foreign } = world;

const roles = [
  'admin',
  'manager',
  'marketing',
  'sales',
  'staff',
  'viewer',
  'customer',
] as const satisfies Role[];
const names = ['anonymous', ...roles, 'keyWithout', 'keyWith', 'stranger'] as const;
/** `keyWithout` is an administrator's key with every scope but the one needed, `keyWith` one with that scope alone; `stranger` administers another business. */
type Name = (typeof names)[number];

/** Which customers each role reaches; with them all that belongs to them. */
const all = customerNames.filter((name) => name !== 'gone');
const reach: Record<Role, readonly CustomerName[]> = {
  admin: all,
  manager: all,
  marketing: all,
  viewer: all,
  sales: ['team', 'sold'],
  staff: ['owned', 'booked'],
  customer: ['self'],
};
/** Bookings and payments of a deleted customer stay, for those who reached them. */
const reachOfRows = (role: Role): readonly CustomerName[] =>
  role === 'staff' || reach[role] === all ? [...reach[role], 'gone'] : reach[role];

type Outcome = 'allowed' | 'FORBIDDEN' | 'UNAUTHENTICATED' | 'absent' | (string & {});

const signedIn: Record<Role, Caller> = {
  admin: world.users.ADMIN,
  manager: world.users.MANAGER,
  marketing: world.users.MARKETING,
  sales: world.users.SALES,
  staff: world.users.STAFF,
  viewer: world.users.VIEWER,
  customer: world.customer,
};
const keys = new Map<string, Promise<Caller>>();
function key(...scopes: Permission[]): Promise<Caller> {
  const name = scopes.join();
  if (!keys.has(name)) keys.set(name, world.key(...scopes));
  return keys.get(name) as Promise<Caller>;
}
const isRole = (name: Name): name is Role => roles.includes(name as Role);

/** The caller of this name, for something that needs these scopes, the last of them in question. */
async function callerOf(name: Name, scopes: readonly Permission[]): Promise<Caller> {
  if (isRole(name)) return signedIn[name];
  if (name === 'anonymous' || name === 'stranger') return world[name];
  const last = scopes.at(-1);
  if (!last) return signedIn.admin;
  return name === 'keyWith' ? key(...scopes) : key(...without(last));
}

/** A customer whom the caller reaches, if any. */
const mine = (name: Name): CustomerName =>
  name === 'sales' ? 'team' : name === 'customer' ? 'self' : 'owned';

const log = pino({ level: 'silent' });
async function run(
  caller: Caller,
  source: string,
  variableValues: Record<string, unknown> = {},
  more: Partial<OperationContext> = {},
) {
  const args = () => ({
    schema,
    variableValues: JSON.parse(JSON.stringify(variableValues)),
    contextValue: world.context(caller, more),
  });
  const answer = masked(await graphql({ ...args(), source }));
  await compare(answer, source, args());
  return answer;
}

const reader = openReader(urlOf(db), { poolSize: 4 });
afterAll(() => reader.close());
const compared = { planned: 0 };
const reads = createReads(schema, reader, (outcome) => {
  if (outcome === 'planned') compared.planned++;
});

/** The table holds on the compiler's path too: whatever it answers is what the executor answers. */
async function compare(
  answer: Answer,
  source: string,
  args: Omit<Parameters<typeof reads.execute>[0], 'document'>,
): Promise<void> {
  const planned = await reads.execute({ ...args, document: parse(source) });
  if (planned) expect(comparable(masked(planned))).toEqual(comparable(answer));
}

/** Errors of fields that are resolved side by side come in any order. */
function comparable({ data, errors }: Answer): unknown {
  const plain = errors?.map((error) => JSON.stringify(error)).sort();
  return { data: JSON.parse(JSON.stringify(data ?? null)), errors: plain };
}

/** As a caller would get it from the server. */
function masked(result: ExecutionResult) {
  const errors = result.errors?.map((error) => publicError(error, { requestId: 'test', log }));
  const bug = result.errors?.find((_, at) => errors?.[at]?.extensions.code === 'INTERNAL');
  if (bug) throw bug;
  return { data: result.data as Record<string, unknown> | null | undefined, errors };
}
type Answer = ReturnType<typeof masked>;

/** What became of the field at this path. */
function outcomeOf({ data, errors }: Answer, ...path: string[]): Outcome {
  if (errors?.length) return String(errors[0]?.extensions.code);
  let value: unknown = data;
  for (const [at, step] of path.entries()) {
    value = (value as Record<string, unknown>)[step];
    if (value == null) return at === path.length - 1 && path.length > 1 ? 'allowed' : 'absent';
  }
  const typename = String((value as Record<string, unknown>)?.__typename ?? '');
  if (typename === 'NotFoundError') return 'absent';
  return typename.endsWith('Error') ? typename : 'allowed';
}

/** What everybody must get: `right` of the field itself, of what leads to it, and what another business finds. */
function expectedOf(
  right: Right,
  options: { stranger: Outcome; leads?: Right[]; overrides?: Partial<Record<Name, Outcome>> },
) {
  const { stranger, leads = [], overrides } = options;
  const one = (name: Name): Outcome => {
    if (name === 'stranger') return stranger;
    const blocked = leads.find(
      (lead) => lead.scope !== null && !(isRole(name) ? lead.may.includes(name) : name !== 'anonymous'),
    );
    if (blocked) return 'absent';
    if (right.scope === null) return 'allowed';
    if (name === 'anonymous') return leads.length > 0 ? 'absent' : 'UNAUTHENTICATED';
    if (name === 'keyWithout')
      return leads.some(({ scope }) => scope === right.scope) ? 'absent' : 'FORBIDDEN';
    if (name === 'keyWith') return 'allowed';
    return right.may.includes(name) ? 'allowed' : 'FORBIDDEN';
  };
  return { ...Object.fromEntries(names.map((name) => [name, one(name)])), ...overrides };
}

async function outcomes(ask: (name: Name) => Promise<Outcome>): Promise<Record<string, Outcome>> {
  const found: Record<string, Outcome> = {};
  for (const name of names) found[name] = await ask(name);
  return found;
}

const permissionOf = (field: GraphQLField) => (field.extensions as { permission?: Permission }).permission;
const objectTypes = Object.values(schema.getTypeMap()).filter(isObjectType);
const typeNamed = (name: string) => schema.getType(name) as GraphQLObjectType;
const fieldAt = (name: string) => {
  const [type = '', field = ''] = name.split('.');
  return typeNamed(type).getFields()[field] as GraphQLField;
};

/** A page of a list. A connection to an outside system has the same last name. */
const isPage = (name: string) => name.endsWith('Connection') && name !== 'IntegrationConnection';

/** A selection under the field that says whether it was answered. */
function little(field: GraphQLField): string {
  const type = getNamedType(field.type);
  if (isLeafType(type)) return '';
  return isPage(type.name) ? '{ totalCount nodes { id } }' : '{ __typename }';
}

/** Arguments without which a query is none, by its name; of our own things. */
const given = (name: string, who: Name): string => {
  const customer = customers[mine(who)].customer;
  if (name === 'segmentPreview') return '(criteria: { field: "first_name", operator: "is_set" })';
  if (name === 'leadScoreRulePreview')
    return '(rule: { name: "Tried", eventType: BOOKING_CREATED, points: 200 })';
  if (name === 'segmentExplanation')
    return `(segmentId: "${ours.things.Segment}", customerId: "${customer}")`;
  return '';
};

/** An object of this type that the caller reaches, if any. */
function idOf(type: string, name: Name): string {
  if (['Customer', 'Booking', 'Payment', 'Activity', 'LeadScoreEntry'].includes(type)) {
    return customers[mine(name)][type.toLowerCase() as keyof Kept];
  }
  return ours.things[type as Thing];
}
const foreignIdOf = (type: string) =>
  foreign[type.toLowerCase() as keyof Kept] ?? theirs.things[type as Thing];

describe('The table', () => {
  test('has an entry for every field, and every entry has its field.', () => {
    const fieldsOf = (type: GraphQLObjectType | null | undefined) =>
      Object.keys(type?.getFields() ?? {}).sort();
    const guarded = objectTypes
      .filter((type) => type !== schema.getQueryType() && type !== schema.getSubscriptionType())
      .flatMap((type) =>
        Object.values(type.getFields()).flatMap((field) =>
          permissionOf(field) ? [`${type.name}.${field.name}`] : [],
        ),
      );
    const yields = Object.values(subscriptions).flatMap((entry) => entry.yields);

    expect(Object.keys(queries).sort()).toEqual(fieldsOf(schema.getQueryType()));
    expect(Object.keys(mutations).sort()).toEqual(fieldsOf(schema.getMutationType()));
    expect(Object.keys(subscriptions).sort()).toEqual(fieldsOf(schema.getSubscriptionType()));
    expect([...Object.keys(nested), ...yields].sort()).toEqual(guarded.sort());
    const node = schema.getType('Node');
    expect(Object.keys(nodes).sort()).toEqual(
      isInterfaceType(node)
        ? schema
            .getPossibleTypes(node)
            .map(({ name }) => name)
            .sort()
        : [],
    );
  });

  test('signs everybody in as the server does, with the reach that their role has.', () => {
    expect(Object.values(signedIn).map(({ viewer }) => viewer.rowScope)).toEqual([
      'ALL',
      'ALL',
      'ALL',
      'TEAM',
      'ASSIGNED',
      'ALL',
      'OWN',
    ]);
  });
});

describe('A query', () => {
  test.each(Object.keys(queries).filter((name) => name !== 'node' && name !== 'nodes'))(
    'for %s answers those who may, and says to the others why not.',
    async (name) => {
      const right = queries[name] as Right;
      const field = fieldAt(`Query.${name}`);
      const byId = field.args.some((arg) => arg.name === 'id');
      const found = await outcomes(async (who) => {
        const caller = await callerOf(who, right.scope ? [right.scope] : []);
        const id = byId ? idOf(getNamedType(field.type).name, who) : undefined;
        // Whoever sees activities sees those of bookings only with the permission for bookings.
        const sees =
          name === 'activity' && who === 'keyWith' ? await key('bookings.read', 'activities.read') : caller;
        return outcomeOf(
          await run(
            sees,
            `query ($id: ID!) { ${name}${byId ? '(id: $id)' : given(name, who)} ${little(field)} }`.replace(
              byId ? '' : '($id: ID!) ',
              '',
            ),
            { id },
          ),
          name,
        );
      });
      const overrides = right.scope === null ? { anonymous: 'absent' } : {};
      // Of a customer nothing is explained to whom customers are not shown.
      if (name === 'segmentExplanation') Object.assign(overrides, { keyWith: 'absent' });
      const none = byId || name === 'segmentExplanation';
      expect(found).toEqual(expectedOf(right, { stranger: none ? 'absent' : 'allowed', overrides }));
    },
  );
});

describe('An id', () => {
  test.each(Object.keys(nodes))(
    'of type %s is found by those who may see it and names nothing for the others.',
    async (type) => {
      const right = nodes[type] as Right;
      const scopes: Permission[] = right.scope
        ? [...(type === 'Activity' ? (['bookings.read'] as const) : []), right.scope]
        : [];
      const may = (who: Name) =>
        isRole(who) ? right.may.includes(who) : who === 'keyWith' || (who === 'keyWithout' && !right.scope);
      const found = await outcomes(async (who) => {
        const caller = await callerOf(who, scopes);
        const id = idOf(type, who);
        const { data, errors } = await run(
          caller,
          'query ($id: ID!, $ids: [ID!]!) { node(id: $id) { __typename id } nodes(ids: $ids) { id } }',
          {
            id,
            ids: [id, foreignIdOf(type), id, encodeId(type as IdType, newId()), 'cus_nonsense'],
          },
        );
        expect(errors).toBeUndefined();
        const one = data?.node ? { id } : null;
        expect(data?.node).toEqual(one && { __typename: type, id });
        // In the order of the ids; what is another business's is nobody's, except to that business.
        expect(data?.nodes).toEqual([
          one,
          who === 'stranger' ? { id: foreignIdOf(type) } : null,
          one,
          null,
          null,
        ]);
        return one ? 'allowed' : 'absent';
      });
      expect(found).toEqual(Object.fromEntries(names.map((who) => [who, may(who) ? 'allowed' : 'absent'])));
    },
  );
});

/** Objects that are parts of a customer, by the field that has them. */
const partOfCustomer: Record<string, string> = { CustomerStats: 'stats', LeadScore: 'leadScore' };

/** How to come to an object of a type, and whom the way lets through. */
function wayTo(type: string): {
  open: string;
  close: string;
  path: string[];
  leads: Right[];
  scopes: Permission[];
} {
  if (type === 'Viewer') return { open: 'viewer {', close: '}', path: ['viewer'], leads: [], scopes: [] };
  if (type === 'DaySummary')
    return {
      open: 'daySummary {',
      close: '}',
      path: ['daySummary'],
      leads: [queries.daySummary as Right],
      scopes: ['bookings.read'],
    };
  if (type === 'SegmentPreview') {
    const { scope } = queries.segmentPreview as Right;
    const open = `segmentPreview${given('segmentPreview', 'admin')} {`;
    return { open, close: '}', path: ['segmentPreview'], leads: [], scopes: [scope as Permission] };
  }
  const part = partOfCustomer[type];
  if (part) {
    const way = wayTo('Customer');
    const stats = nested[`Customer.${part}`] as Right;
    return {
      ...way,
      open: `${way.open} ${part} {`,
      close: `} ${way.close}`,
      path: [...way.path, part],
      scopes: [...way.scopes, 'insights.read'],
      leads: [...way.leads, stats],
    };
  }
  const scopes: Permission[] =
    type === 'Activity' ? ['bookings.read', 'activities.read'] : [nodes[type]?.scope as Permission];
  const leads = [nodes[type] as Right, ...(type === 'Activity' ? [nodes.Booking as Right] : [])];
  return { open: `node(id: $id) { ... on ${type} {`, close: '} }', path: ['node'], scopes, leads };
}

describe('A nested field', () => {
  test('of a preview is shown to those who may preview, since they may see customers too.', async () => {
    const found = await outcomes(async (who) => {
      const { open, path } = wayTo('SegmentPreview');
      const answer = await run(await callerOf(who, ['segments.write']), `{ ${open} sample { id } } }`);
      return outcomeOf(answer, ...path);
    });
    expect(found).toEqual(expectedOf(queries.segmentPreview as Right, { stranger: 'allowed' }));
  });

  test('of the preview of a score rule shows customers to those alone who may see them.', async () => {
    const found = await outcomes(async (who) => {
      const source = `{ leadScoreRulePreview${given('leadScoreRulePreview', who)} { sample { customer { id } } } }`;
      const caller = await callerOf(who, ['customers.read', 'scoring.write']);
      const answer = await run(caller, source);
      const { sample } = (answer.data?.leadScoreRulePreview ?? {}) as { sample?: { customer: unknown }[] };
      return sample
        ? sample.some(({ customer }) => customer)
          ? 'allowed'
          : 'absent'
        : outcomeOf(answer, 'leadScoreRulePreview');
    });
    expect(found).toEqual(expectedOf(queries.leadScoreRulePreview as Right, { stranger: 'allowed' }));
  });

  const previews = ['SegmentPreview.sample', 'LeadScorePreviewChange.customer'];
  const single = Object.keys(nested).filter((name) => !previews.includes(name));
  test.each(single)('asks for its own permission: %s.', async (name) => {
    const right = nested[name] as Right;
    const [type = '', field = ''] = name.split('.');
    const way = wayTo(type);
    const found = await outcomes(async (who) => {
      const caller = await callerOf(who, [...way.scopes, right.scope as Permission]);
      const declared = way.open.includes('$id') ? 'query ($id: ID!)' : '';
      const id = idOf(partOfCustomer[type] ? 'Customer' : type, who);
      const answer = await run(
        caller,
        `${declared} { ${way.open} ${field} ${little(fieldAt(name))} ${way.close} }`,
        { id },
      );
      if (partOfCustomer[type] && who === 'customer') return outcomeOf(answer, ...way.path);
      return outcomeOf(answer, ...way.path, field);
    });
    const overrides: Partial<Record<Name, Outcome>> = {};
    // Whom `stats` itself stops is told so.
    if (type === 'CustomerStats') overrides.customer = 'FORBIDDEN';
    if (type === 'Viewer') overrides.anonymous = 'absent';
    // Nobody has no day.
    if (type === 'DaySummary') overrides.anonymous = 'UNAUTHENTICATED';
    // A viewer is always oneself, and a day one's own, so another business's sees its own.
    const stranger = type === 'Viewer' || type === 'DaySummary' ? 'allowed' : 'absent';
    expect(found).toEqual(
      expectedOf(right, {
        stranger,
        leads: partOfCustomer[type] ? way.leads.slice(0, 1) : way.leads,
        overrides,
      }),
    );
  });
});

describe('A condition of a filter', () => {
  test.each(Object.keys(conditions))('asks for the permission of what it would tell: %s.', async (name) => {
    const right = conditions[name] as Right;
    const [list = '', condition = ''] = name.split('.');
    const values: Record<string, string> = {
      lifecycleStage: '{ in: [NEW] }',
      ownerId: `{ eq: "${ours.things.User}" }`,
      teamId: `{ eq: "${ours.things.Team}" }`,
      tagId: `{ in: ["${ours.things.Tag}"] }`,
      segmentId: `{ in: ["${ours.things.Segment}"] }`,
    };
    const scopes = [queries[list]?.scope as Permission, right.scope as Permission];
    const found = await outcomes(async (who) =>
      outcomeOf(
        await run(
          await callerOf(who, scopes),
          `{ ${list}(filter: { ${condition}: ${values[condition]} }) { totalCount nodes { id } } }`,
        ),
        list,
      ),
    );
    expect(found).toEqual(expectedOf(right, { stranger: 'allowed' }));
  });

  test('exists for every column of a customer that has a permission of its own.', () => {
    const filter = schema.getType('CustomerFilter');
    const fields = typeNamed('Customer').getFields();
    const telling = Object.keys(isInputObjectType(filter) ? filter.getFields() : {}).filter((name) => {
      const shown = fields[name] ?? fields[name.replace(/Id$/, '')] ?? fields[name.replace(/Id$/, 's')];
      return shown && permissionOf(shown);
    });
    expect(telling.sort()).toEqual(
      Object.keys(conditions)
        .map((name) => name.split('.')[1])
        .sort(),
    );
  });
});

describe('An order', () => {
  test('asks for the permission of what it would tell: lead scores.', async () => {
    const right = conditions['customers.lifecycleStage'] as Right;
    const scopes = [queries.customers?.scope as Permission, right.scope as Permission];
    const found = await outcomes(async (who) =>
      outcomeOf(
        await run(
          await callerOf(who, scopes),
          '{ customers(orderBy: { field: LEAD_SCORE, direction: DESC }) { totalCount nodes { id } } }',
        ),
        'customers',
      ),
    );
    expect(found).toEqual(expectedOf(right, { stranger: 'allowed' }));
  });
});

describe.each(roles.map((role) => ({ role })))('The rows of a caller who is $role', ({ role }) => {
  const caller = signedIn[role];
  const may = (right: Right | undefined) => right?.may.includes(role) === true;
  const ids = (of: keyof Kept, among: readonly CustomerName[]) =>
    among.map((name) => customers[name][of]).sort();
  const list = async (source: string) => {
    const answer = await run(caller, `{ ${source} { totalCount nodes { id } edges { node { id } } } }`);
    expect(answer.errors).toBeUndefined();
    const page = Object.values(answer.data ?? {})[0] as {
      totalCount: number;
      nodes: { id: string }[];
      edges: { node: { id: string } }[];
    };
    expect(page.totalCount).toBe(page.nodes.length);
    expect(page.edges.map(({ node }) => node.id)).toEqual(page.nodes.map(({ id }) => id));
    return page.nodes.map(({ id }) => id).sort();
  };
  const seeded = (of: keyof Kept) => new Set(Object.values(customers).map((kept) => kept[of]));
  const onlySeeded = (of: keyof Kept, found: string[]) => found.filter((id) => seeded(of).has(id));
  const owners = async (found: string[]) => [...new Set(await Promise.all(found.map(world.whose)))];

  test('are all of them, in lists and in their counts.', async () => {
    for (const [name, of, among] of [
      ['customers', 'customer', reach[role]],
      ['bookings', 'booking', reachOfRows(role)],
      ['payments', 'payment', reachOfRows(role)],
      ['activities', 'activity', reachOfRows(role)],
    ] as const) {
      if (!may(queries[name])) continue;
      const page = `first: 100, ${name === 'customers' ? 'search: "marker", ' : ''}`;
      if (name === 'activities') {
        // Timelines hold more than was made for this: look at one kind of event, of these customers.
        for (const customer of customerNames) {
          const found = await list(
            `activities(first: 100, customerId: "${customers[customer].customer}", types: [BOOKING_CREATED])`,
          );
          expect(found.includes(customers[customer].activity), `${name} of ${customer}`).toBe(
            among.includes(customer),
          );
          if (!among.includes(customer)) expect(found).toEqual([]);
        }
        continue;
      }
      const filter =
        name === 'customers'
          ? ''
          : `filter: { customerId: { in: ${JSON.stringify(ids('customer', customerNames))} } }`;
      const found = await list(`${name}(${page}${filter})`);
      expect(onlySeeded(of, found), name).toEqual(ids(of, among));
      // And nobody's beside those, made by other tests in the meantime.
      const others = (await owners(found)).filter(
        (owner) => owner !== undefined && !among.includes(owner as CustomerName),
      );
      expect(others, name).toEqual([]);
    }
  });

  test('are what an id finds, and no others.', async () => {
    for (const [of, right, among] of [
      ['customer', nodes.Customer, reach[role]],
      ['booking', nodes.Booking, reachOfRows(role)],
      ['payment', nodes.Payment, reachOfRows(role)],
      ['activity', nodes.Activity, reachOfRows(role)],
    ] as const) {
      const asked = [...customerNames.map((name) => customers[name][of]), foreign[of]];
      const { data } = await run(caller, 'query ($ids: [ID!]!) { nodes(ids: $ids) { id } }', { ids: asked });
      const visible = (id: string) => may(right) && ids(of, among).includes(id);
      expect(data?.nodes, of).toEqual(asked.map((id) => (visible(id) ? { id } : null)));
      for (const id of asked) {
        const one = await run(caller, `query ($id: ID!) { node(id: $id) { id } ${of}(id: $id) { id } }`, {
          id,
        });
        if (may(right))
          expect(one.data, of).toEqual({
            node: visible(id) ? { id } : null,
            [of]: visible(id) ? { id } : null,
          });
        else expect(outcomeOf(one), of).toBe('FORBIDDEN');
      }
    }
  });

  test('are all that filters, searches and cursors tell about.', async () => {
    const hidden = customerNames.filter((name) => !reachOfRows(role).includes(name));
    const strange = [...hidden.map((name) => customers[name]), foreign];
    for (const { customer, booking } of strange) {
      if (may(queries.bookings))
        expect(await list(`bookings(filter: { customerId: { eq: "${customer}" } })`)).toEqual([]);
      if (may(queries.payments)) {
        expect(await list(`payments(filter: { customerId: { in: ["${customer}"] } })`)).toEqual([]);
        expect(await list(`payments(filter: { bookingId: { eq: "${booking}" } })`)).toEqual([]);
      }
      if (may(queries.activities)) expect(await list(`activities(customerId: "${customer}")`)).toEqual([]);
    }
    for (const name of [...customerNames.filter((one) => !reach[role].includes(one)), 'foreign']) {
      expect(await list(`customers(search: "surname-${name}")`)).toEqual([]);
      expect(await list(`customers(filter: { email: { eq: "${name}@marker.example" } })`)).toEqual([]);
      expect(await list(`customers(filter: { externalId: { in: ["marker-${name}"] } })`)).toEqual([]);
      if (!reachOfRows(role).includes(name as CustomerName)) {
        expect(await list(`bookings(filter: { externalId: { eq: "marker-booking-${name}" } })`)).toEqual([]);
      }
    }
    if (may(queries.tags)) {
      const tagged = await list(
        `customers(first: 100, search: "marker", filter: { tagId: { eq: "${ours.things.Tag}" } })`,
      );
      expect(tagged).toEqual(ids('customer', reach[role]));
      expect(await list(`customers(filter: { tagId: { eq: "${theirs.things.Tag}" } })`)).toEqual([]);
    }
  });

  /** A cursor as the list itself would give it out for this row. */
  const cursorOf = async (source: string, as: Caller) => {
    const { data } = await run(as, `{ ${source} { edges { cursor } } }`);
    return (Object.values(data ?? {})[0] as { edges: { cursor: string }[] }).edges[0]?.cursor as string;
  };

  test('are the only ones whose cursors lead anywhere: any other is as good as one of nothing.', async () => {
    const out = customerNames.filter((name) => !reachOfRows(role).includes(name))[0];
    const strangers: { as: Caller; kept: Kept; name: string }[] = [
      ...(out ? [{ as: signedIn.admin, kept: customers[out], name: out }] : []),
      { as: world.stranger, kept: foreign, name: 'foreign' },
    ];
    for (const { as, kept, name } of strangers) {
      const pages: [list: string, own: string][] = [
        [
          'customers(ARGS orderBy: { field: NAME, direction: ASC })',
          `customers(filter: { email: { eq: "${name}@marker.example" } })`,
        ],
        [
          'customers(ARGS orderBy: { field: CREATED_AT, direction: DESC })',
          `customers(filter: { email: { eq: "${name}@marker.example" } })`,
        ],
        ['bookings(ARGS)', `bookings(filter: { externalId: { eq: "marker-booking-${name}" } })`],
        ['payments(ARGS)', `payments(filter: { bookingId: { eq: "${kept.booking}" } })`],
        ['activities(ARGS)', `activities(customerId: "${kept.customer}")`],
        [
          `node(id: "${customers[mine(role)].customer}") { ... on Customer { LIST: bookings(ARGS orderBy: { field: CREATED_AT, direction: DESC }) } }`,
          `bookings(filter: { externalId: { eq: "marker-booking-${name}" } })`,
        ],
      ];
      if (name === 'foreign') {
        pages.push(
          ['services(ARGS)', 'services'],
          ['staffMembers(ARGS)', 'staffMembers'],
          ['resources(ARGS)', 'resources'],
          ['tags(ARGS)', 'tags'],
          ['users(ARGS)', 'users'],
          ['teams(ARGS)', 'teams'],
          ['apiKeys(ARGS)', 'apiKeys'],
        );
      }
      for (const [page, own] of pages) {
        const root = /^\w+/.exec(page)?.[0] as string;
        if (root !== 'node' && !may(queries[root])) continue;
        const cursor = await cursorOf(own, as);
        const [row] = /[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}(?=[^0-9a-f]*$)/.exec(
          Buffer.from(cursor, 'base64').toString(),
        ) as RegExpExecArray;
        const nothing = Buffer.from(Buffer.from(cursor, 'base64').toString().replace(row, newId())).toString(
          'base64',
        );
        for (const [size, side] of [
          ['first: 100', 'after'],
          ['last: 100', 'before'],
        ]) {
          const ask = (of: string) => {
            const args = `${size}, ${side}: "${of}"`;
            const selection = '{ totalCount nodes { id } pageInfo { hasNextPage hasPreviousPage } }';
            const source = page.includes('LIST: ')
              ? page.replace('ARGS', args).replace(/\) \} \}$/, `) ${selection} } }`)
              : `${page.replace('ARGS', args)} ${selection}`;
            return run(caller, `{ ${source} }`);
          };
          expect(await ask(cursor), `${page} ${side} a cursor of ${name}`).toEqual(await ask(nothing));
        }
      }
    }
  });

  test('are all that there is to find on any way through the graph.', async () => {
    const found = await crawl(caller);
    expect(found.ids.size).toBeGreaterThan(3);
    for (const id of found.ids) {
      const owner = await world.whose(id);
      expect(owner === null || owner === undefined ? 'nobody' : owner, id).toBeOneOf([
        'nobody',
        ...reachOfRows(role),
      ]);
    }
    const strange = new Set([...Object.values(foreign), ...Object.values(theirs.things)]);
    expect([...found.ids].filter((id) => strange.has(id))).toEqual([]);
    const told = ['foreign', ...customerNames.filter((name) => !reachOfRows(role).includes(name))].filter(
      (name) => {
        const kept = name === 'foreign' ? foreign : customers[name as CustomerName];
        return new RegExp(
          `marker(-note|-booking|-transaction)?-${name}\\b|surname-${name}\\b|${name}@marker|${Object.values(kept).join('|')}`,
          'i',
        ).test(found.text);
      },
    );
    expect(told).toEqual([]);
    // The walk did come to what it may see.
    const near = customers[mine(role)];
    expect(found.ids).toContain(near.customer);
    expect(found.ids).toContain(near.booking);
  });
});

test('A row scope of the user counts, not that of the role; a key of a role with one reaches nobody.', async () => {
  const source = `{ customers { totalCount } bookings { totalCount } payments { totalCount } activities { totalCount } node(id: "${customers.other.customer}") { id } }`;
  const nothing = {
    customers: { totalCount: 0 },
    bookings: { totalCount: 0 },
    payments: { totalCount: 0 },
    activities: { totalCount: 0 },
    node: null,
  };
  const externalId = newId();
  await ours.make.user({ role: 'MANAGER', rowScope: 'ASSIGNED', externalId });
  const expiresAt = new Date(ours.admin.clock.now().getTime() + 60_000);
  const narrow = await world.signIn({
    kind: 'token',
    workspaceId: ours.admin.workspace.id,
    subject: externalId,
    expiresAt,
  });
  expect((await run(narrow, source)).data).toEqual(nothing);
  const input = { id: customers.other.customer };
  expect(outcomeOf(await run(narrow, writes('deleteCustomer'), { input }, quiet), 'deleteCustomer')).toBe(
    'absent',
  );

  const hash = newId();
  await db.apiKey.create({
    data: {
      id: newId(),
      workspaceId: ours.admin.workspace.id,
      name: 'Sales',
      role: 'SALES',
      scopes: [],
      hash,
      prefix: 'test',
    },
  });
  expect((await run(await world.signIn({ kind: 'apiKey', hash }), source)).data).toEqual(nothing);
});

test('Another business, and somebody who is not signed in, find nothing of ours on any way through the graph.', async () => {
  const ofOurs = [
    ...Object.values(customers).flatMap((kept) => Object.values(kept)),
    ...Object.values(ours.things),
  ];
  const stranger = await crawl(world.stranger);
  expect(stranger.ids).toContain(foreign.booking);
  expect(ofOurs.filter((id) => stranger.text.includes(id))).toEqual([]);
  expect(stranger.text).not.toMatch(
    /marker-(?!foreign|note-foreign|booking-foreign|transaction-foreign|reason-foreign)/i,
  );
  expect((await crawl(world.anonymous)).ids).toEqual(new Set());
});

/**
 * Asks for everything that the caller may ask for: from each field of Query and each of our and their ids, each field
 * that leads on, and from there all that fits. Answers what it was told.
 */
async function crawl(caller: Caller): Promise<{ text: string; ids: Set<string> }> {
  const { viewer } = caller;
  const asks = (field: GraphQLField) => {
    const permission = permissionOf(field);
    return !permission || viewer.permissions.has(permission);
  };
  const argsOf = (field: GraphQLField, size: number) =>
    field.args.some(({ name }) => name === 'first') ? `(first: ${size})` : '';
  const select = (type: unknown, depth: number): string => {
    if (!isObjectType(type)) return '__typename';
    const parts = Object.values(type.getFields())
      .filter(asks)
      .map((field) => {
        const result = getNamedType(field.type);
        if (isLeafType(result)) return field.name;
        // Pages cost no depth of their own; the same rows by two ways would only cost twice.
        if (field.name === 'edges' && 'nodes' in type.getFields()) return '';
        const less = isPage(type.name) ? depth : depth - 1;
        return less < 0 ? '' : `${field.name}${argsOf(field, 4)} { ${select(result, less)} }`;
      });
    return ['__typename', ...parts].join(' ');
  };

  const found = { text: '', ids: new Set<string>() };
  async function tell(source: string): Promise<void> {
    const answer = await run(caller, source);
    expect(answer.errors, source).toBeUndefined();
    const text = JSON.stringify(answer.data, (_, part) => {
      // A count over more than the viewer may see would show where all that they may see is on the page.
      const { totalCount, nodes, pageInfo } = (part ?? {}) as {
        totalCount?: number;
        nodes?: unknown[];
        pageInfo?: Record<string, unknown>;
      };
      if (nodes && pageInfo?.hasNextPage === false && pageInfo.hasPreviousPage === false)
        expect(totalCount, source).toBe(nodes.length);
      return part;
    });
    found.text += text;
    for (const [id] of text.matchAll(/\b[a-z]{3,4}_[0-9a-z]{26}\b/g)) found.ids.add(id);
  }
  /** One request for each field that leads on, so that none costs too much. */
  async function from(open: string, type: GraphQLObjectType, close: string): Promise<void> {
    await tell(`{ ${open} ${select(type, -1)} ${close} }`);
    for (const field of Object.values(type.getFields()).filter(asks)) {
      const result = getNamedType(field.type);
      if (!isLeafType(result))
        await tell(`{ ${open} ${field.name}${argsOf(field, 5)} { ${select(result, 1)} } ${close} }`);
    }
  }

  for (const field of Object.values(schema.getQueryType()?.getFields() ?? {})) {
    const type = getNamedType(field.type);
    const open = !field.args.some(isRequiredArgument) && !given(field.name, 'admin');
    if (isLeafType(type) || !isObjectType(type) || !asks(field) || !open) continue;
    if (isPage(type.name)) {
      const row = typeNamed(type.name.replace(/Connection$/, ''));
      await tell(
        `{ ${field.name}(first: 100) { totalCount pageInfo { startCursor endCursor } edges { cursor node { ${select(row, -1)} } } } }`,
      );
      await from(`${field.name}(first: 15) { nodes {`, row, '} }');
    } else await from(`${field.name} {`, type, '}');
  }
  for (const id of [
    ...Object.values(customers).flatMap((kept: Kept) => Object.values(kept)),
    ...[ours, theirs].flatMap(({ things: { Upload: _, ...nodes } }) => Object.values(nodes)), // An upload is no node.
    ...Object.values(foreign),
  ]) {
    const type = decodeId(id)?.type as string;
    await tell(
      `{ node(id: "${id}") { __typename id ... on ${type} { ${select(typeNamed(type), 1)} } } }`.replace(
        new RegExp(`^(?!.*${type}).*$`),
        '{ __typename }',
      ),
    );
  }
  return found;
}

/** The cursor of the log's end. */
async function endOf(workspaceId: string): Promise<string> {
  const { eventLog } = world.context(world.anonymous);
  return encodeCursor({ epoch: (await eventLog.reach()).epoch, position: await eventLog.end(workspaceId) });
}

describe('Live delivery', () => {
  /** Events by what they are called, in order, with whose they are. */
  const eventsOf = (workspaceId: string) =>
    db.event.findMany({ where: { workspaceId }, orderBy: { position: 'asc' } });

  test('sends exactly the events that the same caller can read.', async () => {
    const callers = [
      ...Object.entries(signedIn),
      ['stranger', world.stranger],
      ['anonymous', world.anonymous],
    ] as [string, Caller][];
    for (const scope of ['bookings.read', 'activities.read', 'customers.read', 'apiKeys.read'] as const)
      callers.push([`key ${scope}`, await key(scope)]);
    const log = [
      ...(await eventsOf(ours.admin.workspace.id)),
      ...(await eventsOf(theirs.admin.workspace.id)),
    ];
    expect(log.length).toBeGreaterThan(50);
    for (const [name, caller] of callers) {
      const ctx = world.context(caller);
      const readable = new Set(
        (await db.event.findMany({ where: visible(ctx, 'Event'), select: { id: true } })).map(({ id }) => id),
      );
      const wrong: string[] = [];
      for (const event of log) {
        if ((await mayReceive(ctx, event)) !== readable.has(event.id))
          wrong.push(`${event.type} ${event.id} is ${readable.has(event.id) ? 'readable' : 'not readable'}`);
      }
      expect(wrong, name).toEqual([]);
    }
  });

  type Frame = {
    cursor: string;
    activity?: { type: string; customer?: { id: string } | null };
    type?: string;
    booking?: { id: string } | null;
    customer?: { id: string } | null;
  };
  /** Subscribes from the beginning of the log, and answers all frames up to the one about this booking's last change. */
  async function framesOf(caller: Caller, source: string, last: string): Promise<Frame[] | Outcome> {
    const epoch = (await world.context(caller).eventLog.reach()).epoch;
    const after = encodeCursor({ epoch, position: 0n });
    const stream = await subscribe({
      schema,
      document: parse(source.replace('AFTER', `after: "${after}"`)),
      contextValue: world.context(caller),
    });
    if (!(Symbol.asyncIterator in stream)) return outcomeOf(masked(stream));
    const frames: Frame[] = [];
    const timer = setTimeout(() => void stream.return(undefined), 20_000);
    for await (const result of stream) {
      const { data, errors } = masked(result);
      if (errors?.length) return String(errors[0]?.extensions.code);
      const frame = Object.values(data ?? {})[0] as Frame;
      frames.push(frame);
      if (JSON.stringify(frame).includes(last)) break;
    }
    clearTimeout(timer);
    return frames;
  }

  const typeOf = (name: string) => name.replace('.', '_').toUpperCase();
  const sources: Record<string, string> = {
    activityAdded: 'subscription { activityAdded(AFTER) { cursor activity { id type occurredAt } } }',
    bookingChanged: 'subscription { bookingChanged(AFTER) { cursor type booking { id notes } } }',
  };

  test('of the progress of a bulk operation is for those who may see imports, of their own business.', async () => {
    const operations: Record<string, string> = {};
    for (const [side, at] of Object.entries({ ours, theirs })) {
      operations[side] = await at.make.bulkOperation();
      await cancelBulkOperation(at.admin, { id: operations[side] });
    }
    const told = await outcomes(async (who) => {
      const id = operations[who === 'stranger' ? 'theirs' : 'ours'] as string;
      const source = `subscription { bulkOperationProgress(id: "${id}", AFTER) { cursor bulkOperation { id status } } }`;
      const frames = await framesOf(await callerOf(who, ['imports.read']), source, 'CANCELLED');
      return Array.isArray(frames) ? 'allowed' : frames;
    });
    expect(told).toEqual(expectedOf(subscriptions.bulkOperationProgress as Right, { stranger: 'allowed' }));
  });

  test('of lead scores is for those who may see insights, and tells of the customers whom they reach.', async () => {
    for (const [at, of] of [
      [ours, Object.values(customers).filter((kept) => kept !== customers.gone)],
      [theirs, [foreign]],
    ] as const)
      for (const { customer } of of)
        await adjustLeadScore(at.admin, { customerId: customer, points: 1, reason: 'Told' });
    const told = await outcomes(async (who) => {
      const customer = who === 'stranger' ? foreign.customer : customers[mine(who)].customer;
      const source = `subscription { leadScoreChanged(customerId: "${customer}", AFTER) { cursor reason customer { id } } }`;
      const frames = await framesOf(
        await callerOf(who, ['insights.read', 'customers.read']),
        source,
        customer,
      );
      return Array.isArray(frames) ? 'allowed' : frames;
    });
    expect(told).toEqual(expectedOf(subscriptions.leadScoreChanged as Right, { stranger: 'allowed' }));
  });

  test('of who joins segments is for those who may see segments, and tells of the customers whom they reach.', async () => {
    const moved: Record<string, string> = {};
    for (const [side, at] of Object.entries({ ours, theirs })) {
      const id = await at.make.segment();
      const of = at === ours ? Object.values(customers).filter((kept) => kept !== customers.gone) : [foreign];
      for (const { customer } of of) await addSegmentMembers(at.admin, { id, customerIds: [customer] });
      moved[side] = id;
    }
    const told: Record<string, unknown> = {};
    const expected: Record<string, unknown> = {};
    for (const who of names) {
      const segment = moved[who === 'stranger' ? 'theirs' : 'ours'] as string;
      const customer = who === 'stranger' ? foreign.customer : customers[mine(who)].customer;
      const source = `subscription { segmentMembershipChanged(segmentId: "${segment}", AFTER) {
        cursor change segment { id } customer { id } } }`;
      const caller = await callerOf(who, ['segments.read', 'customers.read']);
      const last =
        isRole(who) && reach[who] !== all
          ? lastOf(who)
          : who === 'stranger'
            ? customer
            : customers.self.customer;
      const frames = await framesOf(caller, source, last);
      told[who] = Array.isArray(frames) ? frames.map((frame) => frame.customer?.id) : frames;
      const outcome = expectedOf(subscriptions.segmentMembershipChanged as Right, { stranger: 'allowed' })[
        who
      ];
      const reached =
        who === 'stranger'
          ? [customer]
          : customerNames
              .filter((name) => name !== 'gone' && (!isRole(who) || reachOfRows(who).includes(name)))
              .map((name) => customers[name].customer);
      expected[who] = outcome === 'allowed' ? reached : outcome;
    }
    expect(told).toEqual(expected);
  });
  /** The last of our customers, in the order of their names here, whom the caller reaches. */
  const lastOf = (who: Role) => {
    const name = customerNames.filter((one) => one !== 'gone' && reachOfRows(who).includes(one)).at(-1);
    return customers[name as CustomerName].customer;
  };

  const ofBookings = ['activityAdded', 'bookingChanged'];
  test.each(ofBookings)(
    'refuses who may not before anything is sent, and sends the others theirs in order, each once: %s.',
    async (name) => {
      const right = subscriptions[name] as Right;
      const told: Record<string, unknown> = {};
      const expected: Record<string, unknown> = {};
      // Customers that other tests here made for somebody to reach; found by the rule itself, which is tested above.
      const near = new Set<string>();
      for (const who of ['sales', 'staff'] as const) {
        const rows = await db.customerAccess.findMany({
          where: { principalId: { in: [...signedIn[who].viewer.principals] } },
        });
        for (const { customerId } of rows) {
          if ((await world.whose(encodeId('Customer', customerId))) === undefined)
            near.add(`${who} ${customerId}`);
        }
      }
      for (const who of names) {
        const at = who === 'stranger' ? theirs : ours;
        const kept = who === 'stranger' ? foreign : customers[mine(who)];
        const scopes =
          name === 'activityAdded'
            ? (['bookings.read', 'activities.read'] as const)
            : ([right.scope] as Permission[]);
        const caller = await callerOf(who, scopes);
        const last = `last-${who}-${name}`;
        const changed = await updateBooking(at.admin, { id: kept.booking, notes: last });
        const event = await db.event.findFirstOrThrow({
          where: { subjectId: changed.id, type: 'booking.updated' },
          orderBy: { position: 'desc' },
        });
        const until =
          name === 'activityAdded'
            ? encodeId('Activity', event.id)
            : encodeCursor({
                epoch: (await world.context(caller).eventLog.reach()).epoch,
                position: event.position,
              });
        const frames = await framesOf(caller, sources[name] as string, until);
        told[who] = Array.isArray(frames)
          ? frames.map((frame) => (name === 'activityAdded' ? frame.activity?.type : frame.type))
          : frames;

        const outcome = expectedOf(right, { stranger: 'allowed' })[who] as Outcome;
        const nouns =
          name === 'bookingChanged' || who === 'keyWith'
            ? ['booking']
            : [
                'customer',
                'booking',
                'tag',
                'segment',
                'lead_score',
                ...(who === 'marketing' ? [] : ['payment']),
              ];
        const among = isRole(who) ? reachOfRows(who) : null;
        const reached = new Set(among?.map((one) => uuid(customers[one].customer)));
        const ofThose = (await eventsOf(at.admin.workspace.id)).filter(({ type, customerId, position }) => {
          if (!customerId || position > event.position || !nouns.includes(type.split('.')[0] as string))
            return false;
          return (
            !among ||
            reach[who as Role] === all ||
            reached.has(customerId) ||
            near.has(`${who} ${customerId}`)
          );
        });
        expected[who] = outcome === 'allowed' ? ofThose.map(({ type }) => typeOf(type)) : outcome;
      }
      expect(told).toEqual(expected);
    },
  );

  test('reads the entity in a frame as the viewer, and shows no more than that.', async () => {
    const staff = signedIn.staff;
    const frames = await framesOf(
      staff,
      'subscription { activityAdded(AFTER) { cursor activity { id customer { id firstName } } } }',
      customers.booked.activity,
    );
    const told = JSON.stringify(frames);
    expect(told).toContain('Marker-booked');
    expect(told).not.toMatch(/Marker-(south|other|team|self)/);
  });

  test('shows nothing of an event that should not have come: the entity is read as the viewer.', async () => {
    const events = [
      ...(await eventsOf(ours.admin.workspace.id)),
      ...(await eventsOf(theirs.admin.workspace.id)),
    ].filter(({ type }) => type === 'booking.created');
    for (const [role, caller] of Object.entries(signedIn)) {
      const contextValue = world.context(caller);
      for (const event of events) {
        const rootValue = { cursor: 'none', event };
        const document = parse('subscription { bookingChanged { booking { id } } }');
        const { data, errors } = masked(await execute({ schema, document, rootValue, contextValue }));
        const owner = await world.whose(encodeId('Booking', event.subjectId));
        const sees = reachOfRows(role as Role).includes(owner as CustomerName);
        expect(errors).toBeUndefined();
        expect(data, `${role}, ${owner}`).toEqual({
          bookingChanged: { booking: sees ? { id: encodeId('Booking', event.subjectId) } : null },
        });
      }
    }
  });

  test('asks anew for each event: a customer out of reach is silent from then on, one in reach is heard.', async () => {
    const [leaves, joins] = [await ours.make.customer('owned'), await ours.make.customer('other')];
    const [left, joined] = [await ours.make.booking(leaves), await ours.make.booking(joins)];
    const stream = await subscribe({
      schema,
      document: parse(
        `subscription { bookingChanged(after: "${await endOf(ours.admin.workspace.id)}") { type booking { id } } }`,
      ),
      contextValue: world.context(signedIn.staff),
    });
    if (!(Symbol.asyncIterator in stream)) throw new Error('The subscription was refused.');
    const next = async () => masked((await stream.next()).value as ExecutionResult).data?.bookingChanged;
    const change = (id: string) => updateBooking(ours.admin, { id, notes: newId() });
    await change(joined);
    await change(left);
    expect(await next()).toEqual({ type: 'BOOKING_UPDATED', booking: { id: left } });
    const staffId = encodeId('User', (signedIn.staff.viewer as { id: string }).id);
    await updateCustomer(ours.admin, { id: leaves, ownerId: null });
    await updateCustomer(ours.admin, { id: joins, ownerId: staffId });
    await change(left);
    await change(joined);
    expect(await next()).toEqual({ type: 'BOOKING_UPDATED', booking: { id: joined } });
    await stream.return(undefined);
  });

  test('of a customer who signs in is their own, whomever they name.', async () => {
    const source = (customerId: string) =>
      `subscription { bookingChanged(AFTER, customerId: "${customerId}") { cursor type booking { id } } }`;
    const epoch = (await world.context(world.customer).eventLog.reach()).epoch;
    const stream = await subscribe({
      schema,
      document: parse(
        source(customers.other.customer).replace(
          'AFTER',
          `after: "${encodeCursor({ epoch, position: 0n })}"`,
        ),
      ),
      contextValue: world.context(world.customer),
    });
    if (!(Symbol.asyncIterator in stream)) throw new Error('The subscription was refused.');
    const first = stream.next();
    const silent = await Promise.race([
      first.then(() => 'a frame'),
      new Promise((done) => setTimeout(done, 500, 'silence')),
    ]);
    expect(silent).toBe('silence');
    await stream.return(undefined);
  });
});

test("A cursor of another business leads a subscription nowhere but along one's own log.", async () => {
  const epoch = (await world.context(world.stranger).eventLog.reach()).epoch;
  const end = await world.context(signedIn.admin).eventLog.end(ours.admin.workspace.id);
  const stream = await subscribe({
    schema,
    document: parse(
      `subscription { activityAdded(after: "${encodeCursor({ epoch, position: end - 1n })}") { activity { id } } }`,
    ),
    contextValue: world.context(world.stranger),
  });
  if (!(Symbol.asyncIterator in stream)) throw new Error('The subscription was refused.');
  const changed = await updateBooking(theirs.admin, { id: foreign.booking, notes: newId() });
  const { value } = await stream.next();
  const { data } = masked(value as ExecutionResult);
  const { activity } = (data as { activityAdded: { activity: { id: string } } }).activityAdded;
  const event = await db.event.findFirstOrThrow({ where: { id: uuid(activity.id) } });
  expect(event.subjectId).toBe(changed.id);
  await stream.return(undefined);
});

const writes = (name: string) => `mutation ($input: ${name[0]?.toUpperCase()}${name.slice(1)}Input!) {
  ${name}(input: $input) { __typename ... on Error { code message } } }`;
const quiet = { committed: async () => {} };

/** Every table as it is, the remembered calls too unless they may remember a refusal. */
async function everything(remembered: boolean): Promise<unknown> {
  const [tables, idempotencyKeys] = await Promise.all([
    fingerprint(db),
    remembered ? db.idempotencyKey.count() : 0,
  ]);
  return { ...tables, idempotencyKeys };
}

/** Every place in an input that holds ids. */
function idPlaces(
  input: Record<string, unknown>,
): { field: string; id: string; put(id: string): Record<string, unknown> }[] {
  return Object.entries(input).flatMap(([field, value]) => {
    const first = Array.isArray(value) ? value[0] : value;
    if (typeof first !== 'string' || !decodeId(first)) return [];
    return [
      {
        field,
        id: first,
        put: (id: string) => ({ ...input, [field]: Array.isArray(value) ? [id, ...value.slice(1)] : id }),
      },
    ];
  });
}

describe('A mutation', () => {
  test.each(Object.keys(mutations))(
    'is done for those who may, and leaves nothing behind for the others: %s.',
    async (name) => {
      const change = mutations[name] as Change;
      const found = await outcomes(async (who) => {
        const caller = await callerOf(who, [change.scope]);
        const input = await change.input(ours, mine(who));
        const before = await everything(true);
        const outcome = outcomeOf(await run(caller, writes(name), { input }, quiet), name);
        const after = await everything(true);
        if (outcome === 'FORBIDDEN' || outcome === 'UNAUTHENTICATED')
          expect(after, `${name} by ${who}`).toEqual(before);
        else if (outcome === 'absent')
          expect({ ...(after as object), idempotencyKeys: 0 }, `${name} by ${who}`).toEqual({
            ...(before as object),
            idempotencyKeys: 0,
          });
        else if (name !== 'removeTags') expect(after, `${name} by ${who}`).not.toEqual(before);
        return outcome;
      });
      const ids = idPlaces(await change.input(ours, 'owned'));
      const overrides: Partial<Record<Name, Outcome>> = change.keyNeedsMore ? { keyWith: 'FORBIDDEN' } : {};
      expect(found).toEqual(
        expectedOf(change, {
          stranger: change.strangerMayNot ? 'FORBIDDEN' : ids.length > 0 ? 'absent' : 'allowed',
          overrides,
        }),
      );
    },
  );

  test.each(Object.keys(mutations))(
    'takes an id of another business for one that does not exist: %s.',
    async (name) => {
      const change = mutations[name] as Change;
      const type = schema.getType(`${name[0]?.toUpperCase()}${name.slice(1)}Input`);
      const places = idPlaces(await change.input(ours, 'owned'));
      const holdIds = Object.values(isInputObjectType(type) ? type.getFields() : {}).filter(
        (field) => getNamedType(field.type).name === 'ID',
      );
      const complete =
        name === 'addTags' || name === 'removeTags'
          ? [...holdIds.map((field) => field.name), 'tags']
          : holdIds.map((field) => field.name);
      expect(places.map(({ field }) => field).sort(), 'The table gives a whole input.').toEqual(
        complete.sort(),
      );
      for (const { id, put, field } of places) {
        const idType = decodeId(id)?.type as IdType;
        if (!change.passesOver?.includes(field))
          await sameAsNothing(name, signedIn.admin, put, foreignIdOf(idType), `${name}.${field}`);
      }
    },
  );

  const scoped = Object.keys(mutations).filter((name) => mutations[name]?.ofCustomer);
  test.each(scoped)('takes the id of a row out of reach for one that does not exist: %s.', async (name) => {
    const change = mutations[name] as Change;
    for (const who of ['sales', 'staff'] as const) {
      if (!change.may.includes(who)) continue;
      const near = await change.input(ours, mine(who));
      const far = idPlaces(await change.input(ours, 'other'));
      for (const { field, put, id } of idPlaces(near)) {
        if (!['Customer', 'Booking', 'Payment'].includes(decodeId(id)?.type as string)) continue;
        await sameAsNothing(
          name,
          signedIn[who],
          put,
          far.find((place) => place.field === field)?.id as string,
          `${name}.${field} by ${who}`,
        );
      }
    }
  });

  test('that is repeated is answered with what the caller may still see, and no more.', async () => {
    const customerId = await ours.make.customer('owned');
    const input = {
      customerId,
      serviceId: ours.things.Service,
      startsAt: freeSlot(),
      idempotencyKey: newId(),
    };
    const book = () => run(signedIn.staff, writes('createBooking'), { input });
    expect(outcomeOf(await book(), 'createBooking')).toBe('allowed');
    expect(outcomeOf(await book(), 'createBooking')).toBe('allowed');
    await updateCustomer(ours.admin, { id: customerId, ownerId: null });
    expect(outcomeOf(await book(), 'createBooking')).toBe('absent');
  });

  /** With the hidden id as with one that nothing has: the same answer but for the id in it, and nothing changed. */
  async function sameAsNothing(
    name: string,
    caller: Caller,
    put: (id: string) => Record<string, unknown>,
    hidden: string,
    at: string,
  ): Promise<void> {
    const answers: string[] = [];
    for (const id of [hidden, encodeId(decodeId(hidden)?.type as IdType, newId())]) {
      const again = { ...put(id), ...('idempotencyKey' in put(id) ? { idempotencyKey: newId() } : {}) };
      const before = await everything(false);
      const answer = await run(caller, writes(name), { input: again }, quiet);
      expect(await everything(false), at).toEqual(before);
      expect(['absent', 'InvalidInputError'], at).toContain(outcomeOf(answer, name));
      answers.push(JSON.stringify(answer).replaceAll(id, 'ID'));
    }
    expect(answers[0], at).toBe(answers[1]);
  }
});

test('All this was asked on both paths.', () => {
  expect(compared.planned).toBeGreaterThan(1_000);
});
