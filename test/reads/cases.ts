import { type GraphQLField, getNamedType, isEnumType, isInputObjectType, isObjectType } from 'graphql';
import { encodeId, type IdType } from '../../src/core/ids.ts';
import type { ReadDeclaration } from '../../src/schema/read.ts';
import { schema } from '../../src/schema/schema.ts';
import type { BigBusiness } from './bigBusiness.ts';

/** Every list that the schema offers, with every order and filter that it takes, as GraphQL. */

export interface Order {
  field: string;
  direction: 'ASC' | 'DESC';
}

export interface ListField {
  /** `Query.customers`, `Customer.bookings` */
  name: string;
  /** The list as GraphQL, from its arguments. */
  query: (args: string) => string;
  declaration: Required<Pick<ReadDeclaration, 'list' | 'model'>>;
  orders: Order[];
  /** `CustomerFilter.email`, `Query.activities.types` */
  filters: string[];
  search: boolean;
}

/** Arguments that every list takes; an argument of another name is a filter of its own. */
const paging = new Set(['first', 'last', 'after', 'before', 'filter', 'orderBy', 'search']);

/** Objects that are parts of a customer, by the field that has them. */
const partsOfCustomer: Partial<Record<string, string>> = { LeadScore: 'leadScore' };

export function listFields(objects: Partial<Record<string, string>>): ListField[] {
  return Object.values(schema.getTypeMap())
    .filter(isObjectType)
    .flatMap((type) =>
      Object.values(type.getFields()).flatMap((field): ListField[] => {
        const read = field.extensions.read as ReadDeclaration | undefined;
        if (read?.shape !== 'page' || !read.list || !read.model) return [];
        const root = type.name === 'Query';
        const part = partsOfCustomer[type.name];
        const owner = part ? 'Customer' : type.name;
        const id = objects[owner];
        if (!root && !id) throw new Error(`Say which ${type.name} to read for ${type.name}.${field.name}.`);
        const page = (args: string) =>
          `${field.name}${args && `(${args})`} { pageInfo { endCursor } nodes { id } }`;
        const list = (args: string) => (part ? `${part} { ${page(args)} }` : page(args));
        return [
          {
            name: `${type.name}.${field.name}`,
            query: (args) =>
              root ? `{ ${list(args)} }` : `{ node(id: "${id}") { ... on ${owner} { ${list(args)} } } }`,
            declaration: { list: read.list, model: read.model },
            orders: ordersOf(field),
            filters: filtersOf(type.name, field),
            search: field.args.some(({ name }) => name === 'search'),
          },
        ];
      }),
    );
}

function ordersOf(field: GraphQLField<unknown, unknown>): Order[] {
  const type = getNamedType(field.args.find(({ name }) => name === 'orderBy')?.type);
  const values = isInputObjectType(type) ? getNamedType(type.getFields().field?.type) : null;
  if (!isEnumType(values)) return [];
  return values.getValues().flatMap(({ name }) => [
    { field: name, direction: 'ASC' as const },
    { field: name, direction: 'DESC' as const },
  ]);
}

function filtersOf(type: string, field: GraphQLField<unknown, unknown>): string[] {
  const filter = getNamedType(field.args.find(({ name }) => name === 'filter')?.type);
  const conditions = isInputObjectType(filter)
    ? Object.keys(filter.getFields()).map((name) => `${filter.name}.${name}`)
    : [];
  const own = field.args
    .filter(({ name }) => !paging.has(name))
    .map(({ name }) => `${type}.${field.name}.${name}`);
  return [...conditions, ...own];
}

/** Values for each filter: one that many rows have and one that few have, and each kind of bound. */
export function samplesOf(big: BigBusiness): Record<string, Record<string, string>> {
  const id = (type: IdType, uuid: string) => `"${encodeId(type, uuid)}"`;
  const some = (type: IdType, big: string, small: string) => ({
    many: `{ eq: ${id(type, big)} }`,
    few: `{ eq: ${id(type, small)} }`,
    both: `{ in: [${id(type, big)}, ${id(type, small)}] }`,
  });
  const text = (first: string, second: string) => ({
    one: `{ eq: "${first}" }`,
    two: `{ in: ["${first}", "${second}"] }`,
    none: '{ eq: "nobody" }',
  });
  const span = (from: string, to: string) => ({
    'a week': `{ gte: "${from}", lt: "${to}" }`,
    'long ago': `{ lt: "${from}" }`,
    'up to': `{ lte: "${from}" }`,
    since: `{ gt: "${from}" }`,
  });
  return {
    'CustomerFilter.email': text('c25000@gmail.example', 'c31001@post.example'),
    'CustomerFilter.phone': text('+49301025000', '+49301031001'),
    'CustomerFilter.externalId': text('x25000', 'x31001'),
    'CustomerFilter.ownerId': some('User', big.owner, big.ownerOfFew),
    'CustomerFilter.teamId': some('Team', big.teams.big, big.teams.small),
    'CustomerFilter.tagId': some('Tag', big.tags.big, big.tags.small),
    'CustomerFilter.segmentId': some('Segment', big.segments.big, big.segments.small),
    'CustomerFilter.lifecycleStage': {
      many: '{ eq: LEAD }',
      few: '{ eq: CHURNED }',
      both: '{ in: [LEAD, CHURNED] }',
    },
    'CustomerFilter.createdAt': span('2023-01-01T00:00:00Z', '2023-01-08T00:00:00Z'),
    'CustomerFilter.updatedAt': span('2030-01-01T00:00:00Z', '2030-01-08T00:00:00Z'),
    'DeliveryFilter.status': {
      many: '{ eq: DONE }',
      few: '{ eq: PARKED }',
      both: '{ in: [PARKED, WAITING] }',
    },
    'BookingFilter.startsAt': span('2022-06-01T00:00:00Z', '2022-06-08T00:00:00Z'),
    'BookingFilter.createdAt': span('2022-06-01T00:00:00Z', '2022-06-08T00:00:00Z'),
    'BookingFilter.status': {
      many: '{ eq: COMPLETED }',
      few: '{ eq: PENDING }',
      both: '{ in: [PENDING, CONFIRMED] }',
    },
    'BookingFilter.customerId': some('Customer', big.busyCustomer, big.quietCustomer),
    'BookingFilter.serviceId': some('Service', big.services.big, big.services.small),
    'BookingFilter.staffMemberId': some('StaffMember', big.staffOfMost, big.staff.small),
    'BookingFilter.resourceId': some('Resource', big.resources.big, big.resources.small),
    'BookingFilter.reference': text('REF-25000', 'REF-31001'),
    'BookingFilter.externalId': text('x25000', 'x31001'),
    'StaffMemberBookingFilter.startsAt': span('2022-06-01T00:00:00Z', '2022-06-08T00:00:00Z'),
    'StaffMemberBookingFilter.status': { many: '{ eq: COMPLETED }', both: '{ in: [PENDING, CONFIRMED] }' },
    'PaymentFilter.customerId': some('Customer', big.busyCustomer, big.quietCustomer),
    'PaymentFilter.bookingId': { one: `{ eq: ${id('Booking', big.booking)} }` },
    'PaymentFilter.paidAt': span('2022-06-01T00:00:00Z', '2022-06-08T00:00:00Z'),
    'Query.activities.customerId': {
      many: id('Customer', big.busyCustomer),
      few: id('Customer', big.quietCustomer),
    },
    'Query.activities.types': {
      many: '[BOOKING_CREATED]',
      few: '[BOOKING_NO_SHOW]',
      both: '[BOOKING_CREATED, BOOKING_NO_SHOW]',
      none: '[CUSTOMER_DELETED]',
    },
    'Customer.activities.types': { many: '[BOOKING_CREATED]', few: '[BOOKING_NO_SHOW]' },
    'TagFilter.name': text('Tag 1', 'Tag 2'),
    'TeamFilter.name': text('Team 1', 'Team 2'),
    'UserFilter.email': text('user1@example.com', 'user2@example.com'),
    'UserFilter.externalId': text('x1', 'x2'),
    'ServiceFilter.active': { many: '{ eq: true }' },
    'ServiceFilter.name': text('Service 1', 'Service 2'),
    'StaffMemberFilter.active': { many: '{ eq: true }' },
    'StaffMemberFilter.displayName': text('Staff 1', 'Staff 2'),
    'ResourceFilter.active': { many: '{ eq: true }' },
    'ResourceFilter.name': text('Chair 1', 'Chair 2'),
  };
}

/** What people type into a search field. */
export const searches = {
  'a first name of many': 'chloe',
  'a last name of some': 'kowalski-7',
  'two names': 'muller-3 grace',
  'an e-mail address': 'c25000@gmail.example',
  'an e-mail domain of many': 'firma.example',
  'a phone number': '+49 30 1025000',
  'a phone number of few': '030 10250',
  'two letters': 'xu',
  'one letter': 'q',
  nobody: 'xyzzy',
};

/** The argument for one filter: `filter: { email: ... }` or an argument of its own. */
export function filterArgument(filter: string, value: string): string {
  const name = filter.split('.').at(-1) as string;
  return /^\w+Filter\./.test(filter) ? `filter: { ${name}: ${value} }` : `${name}: ${value}`;
}
