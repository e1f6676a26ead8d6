import {
  buildASTSchema,
  type DocumentNode,
  type GraphQLArgument,
  type GraphQLEnumType,
  type GraphQLField,
  type GraphQLInputField,
  type GraphQLInputObjectType,
  type GraphQLInterfaceType,
  type GraphQLNamedType,
  type GraphQLObjectType,
  type GraphQLSchema,
  getNamedType,
  getNullableType,
  isEnumType,
  isInputObjectType,
  isInterfaceType,
  isIntrospectionType,
  isListType,
  isNonNullType,
  isObjectType,
  isSpecifiedScalarType,
  isUnionType,
  parse,
  print,
  visit,
} from 'graphql';
import { describe, expect, test } from 'vitest';
import { schema } from '../../src/schema/schema.ts';

/**
 * The public API keeps its conventions because this walks the whole schema and finds each break of one. What is
 * allowed to differ stands in `known`, with the reason; an entry that no longer applies fails as well.
 */

interface Known {
  /** Plain lists (`Type.field`), and what bounds them. */
  lists: Record<string, string>;
  /** Types with an id that `node(id)` does not answer. */
  notNodes: Record<string, string>;
  /** Fields that end in Id and hold the id of something in another system: text, not `ID`. */
  foreignIds: readonly string[];
  /** Arguments that are a whole day or instant and nothing of it: `Type.field(argument)`. */
  times: readonly string[];
  /** What a mutation may be named after, besides the object types. */
  nouns: readonly string[];
  /** Fields of payloads that show no object. */
  payloadFields: Record<string, string>;
}

const known: Known = {
  lists: {
    'ApiKey.permissions': 'At most as many as there are permissions.',
    'ConditionField.narrowedBy': 'As many as an aggregate can be narrowed by.',
    'ConditionField.operators': 'As many as there are operators.',
    'ConditionField.values': 'As many as an enum has.',
    'Customer.segments': 'At most 100 are read.',
    'Customer.tags': 'At most 100 are read.',
    'DaySummary.revenue': 'One sum for each currency that was paid in.',
    'CustomerStats.totalSpent': 'One sum for each currency that the customer ever paid in.',
    'IntegrationConnection.automations': 'Settings hold 100 at most.',
    'IntegrationConnection.remoteAutomations': 'At most 1,000 are read.',
    'IntegrationConnection.remoteCampaigns': 'At most 1,000 are read.',
    'IntegrationConnection.remoteFields': 'At most 1,000 are read.',
    'IntegrationConnection.remoteLists': 'At most 1,000 are read.',
    'IntegrationConnection.remoteTags': 'At most 1,000 are read.',
    'IntegrationDrift.fields': 'At most as many as there are fields to map.',
    'LeadScoreRulePreview.sample': 'Ten at most.',
    'InvalidInputError.issues': 'At most as many as the input has values.',
    'Query.conditionFields': 'As many as there are fields.',
    'Query.nodes': 'One for each id asked for, at most 100.',
    'Query.suggestedSegments': 'As many as there are suggestions.',
    'Segment.sizes': 'At most 1,000 are read.',
    'SegmentExplanation.parts': 'As many as the criteria have, which are bounded.',
    'SegmentPreview.sample': 'Ten at most.',
    'Team.members': 'At most 100 are read.',
    'User.teams': 'At most 100 are read.',
    'Viewer.permissions': 'At most as many as there are permissions.',
  },
  notNodes: {
    RemoteAutomation: 'Is kept in another system, which is asked for all of them.',
    RemoteCampaign: 'As of RemoteAutomation.',
    RemoteField: 'As of RemoteAutomation.',
    RemoteList: 'As of RemoteAutomation.',
    RemoteTag: 'As of RemoteAutomation.',
  },
  foreignIds: ['externalId', 'remoteId', 'transactionId'],
  times: ['Query.daySummary(date)'],
  nouns: ['Backfill', 'DriftCheck', 'Import', 'Integration'],
  payloadFields: {
    'ConnectIntegrationPayload.signingSecret': 'As of createApiKey.',
    'ConnectIntegrationPayload.webhookUrl': 'Holds a secret, which is shown this once.',
    'CreateApiKeyPayload.secret': 'The key itself, which is shown this once and stored nowhere.',
    'CreateWorkspacePayload.secret': 'As of createApiKey.',
    'DeleteLeadScoreRulePayload.deletedLeadScoreRuleId': 'As of deleteTag.',
    'DeleteSegmentPayload.deletedSegmentId': 'As of deleteTag.',
    'DeleteTagPayload.deletedTagId': 'The tag is gone: nothing of it but the id can be read any more.',
    'DeleteTagRulePayload.deletedTagRuleId': 'As of deleteTag.',
  },
};

const verbs = new Set(
  'add adjust calculate cancel complete confirm connect create delete disconnect duplicate mark pause record refund remove repair reschedule rescore resume retry revoke start update'.split(
    ' ',
  ),
);
/** Verbs that make something or move money: a repeated call must be harmless. */
const creating = new Set('adjust connect create duplicate record refund rescore start'.split(' '));
/** Verbs whose one object must be named by `id`. */
const changing = new Set(
  'cancel complete confirm delete disconnect mark pause refund repair reschedule resume retry revoke update'.split(
    ' ',
  ),
);

/** A page of a list. A connection to an outside system has the same last name. */
const isPage = (name: string) => name.endsWith('Connection') && name !== 'IntegrationConnection';

interface Violation {
  rule: string;
  where: string;
  what: string;
}

/** Every break of a convention in the schema. */
function violations(schema: GraphQLSchema, known: Known): Violation[] {
  const found: Violation[] = [];
  const used = new Set<string>();
  const report = (rule: string, where: string, what: string) => found.push({ rule, where, what });
  const excused = (list: keyof Known, name: string) => {
    const entries = known[list];
    const is = Array.isArray(entries) ? entries.includes(name) : Object.hasOwn(entries, name);
    if (is) used.add(`${list} ${name}`);
    return is;
  };

  const types = Object.values(schema.getTypeMap()).filter(
    (type) => !isIntrospectionType(type) && !isSpecifiedScalarType(type),
  );
  const query = schema.getQueryType();
  const mutation = schema.getMutationType();
  const subscription = schema.getSubscriptionType();
  const roots = new Set<unknown>([query, mutation, subscription]);
  const objects = types.filter(isObjectType).filter((type) => !roots.has(type));
  const fieldsOf = (type: GraphQLNamedType | null | undefined) =>
    type && (isObjectType(type) || isInterfaceType(type)) ? Object.values(type.getFields()) : [];
  const inputs = types.filter(isInputObjectType);
  const error = schema.getType('Error');
  const isError = (type: GraphQLNamedType) =>
    isObjectType(type) && type.getInterfaces().some((one) => one === error);

  describedAndNamed();
  for (const field of fieldsOf(mutation)) checkMutation(field);
  for (const field of fieldsOf(query)) checkQuery(field);
  for (const field of fieldsOf(subscription)) checkSubscription(field);
  for (const type of [...objects, ...types.filter(isInterfaceType)]) checkObject(type);
  for (const type of [...objects, ...[query, mutation, subscription].filter((root) => !!root)])
    checkLists(type);
  for (const type of types.filter(isEnumType)) checkEnum(type);
  for (const type of inputs) checkInput(type);
  checkErrors();
  checkArguments();

  for (const [list, entries] of Object.entries(known)) {
    for (const name of Array.isArray(entries) ? entries : Object.keys(entries)) {
      if (!used.has(`${list} ${name}`))
        report('known', `${list}: ${name}`, 'Nothing needs this entry any more.');
    }
  }
  return found;

  /** Everything has a name in its casing and a description that is a sentence. */
  function describedAndNamed(): void {
    const describe = (where: string, name: string, description: string | null | undefined) => {
      if (!isSentence(name, description))
        report('description', where, `Is no sentence: ${description ?? 'nothing'}`);
    };
    const cased = (where: string, name: string, casing: RegExp) => {
      if (!casing.test(name))
        report('casing', where, 'Types are PascalCase, fields and arguments camelCase.');
    };
    for (const type of types) {
      if (!roots.has(type)) describe(type.name, type.name, type.description);
      cased(type.name, type.name, /^[A-Z][A-Za-z0-9]*$/);
      if (isEnumType(type)) {
        for (const value of type.getValues())
          describe(`${type.name}.${value.name}`, value.name, value.description);
      }
      if (isObjectType(type) || isInterfaceType(type) || isInputObjectType(type)) {
        for (const field of Object.values(type.getFields()) as (GraphQLField | GraphQLInputField)[]) {
          const where = `${type.name}.${field.name}`;
          describe(where, field.name, field.description);
          cased(where, field.name, /^[a-z][A-Za-z0-9]*$/);
          checkDeprecation(where, field.deprecationReason);
          for (const arg of 'args' in field ? field.args : []) {
            describe(`${where}(${arg.name})`, arg.name, arg.description);
            cased(`${where}(${arg.name})`, arg.name, /^[a-z][A-Za-z0-9]*$/);
            checkDeprecation(`${where}(${arg.name})`, arg.deprecationReason);
          }
        }
      }
    }
  }

  function checkDeprecation(where: string, reason: string | null | undefined): void {
    if (reason == null || /\bUse `[^`]+`.*\b\d{4}-\d{2}-\d{2}\b/.test(reason)) return;
    report('deprecation', where, 'Must say "Use `...`" and the day when it goes (2027-01-31).');
  }

  /** `createBooking(input: CreateBookingInput!): CreateBookingResult` */
  function checkMutation(field: GraphQLField): void {
    const where = `Mutation.${field.name}`;
    const Name = pascal(field.name);
    const [, verb = '', noun = ''] = /^([a-z]+)(.*)$/.exec(field.name) ?? [];
    const nouns = [...objects.map(({ name }) => name), ...known.nouns];
    if (!verbs.has(verb)) report('mutation name', where, `Begins with no verb that we know: ${verb}.`);
    const after = nouns.filter((name) => noun.startsWith(name));
    if (after.length === 0)
      report('mutation name', where, 'The verb is not followed by the name of an object.');
    if (after.every((name) => known.nouns.includes(name))) for (const name of after) excused('nouns', name);

    const [arg, ...more] = field.args;
    if (more.length > 0 || arg?.name !== 'input' || String(arg.type) !== `${Name}Input!`) {
      report('mutation input', where, `Takes exactly one argument, input: ${Name}Input!.`);
    }
    const input = schema.getType(`${Name}Input`);
    if (isInputObjectType(input)) {
      const { id, idempotencyKey } = input.getFields();
      if (changing.has(verb) && noun !== 'Settings' && String(id?.type) !== 'ID!')
        report('mutation input', `${input.name}.id`, 'Must be ID!.');
      if (creating.has(verb) && String(idempotencyKey?.type) !== 'String') {
        report('idempotency', input.name, 'What creates or charges takes idempotencyKey: String.');
      }
    }

    const result = field.type;
    if (!isUnionType(result) || result.name !== `${Name}Result`) {
      report('mutation result', where, `Answers the nullable union ${Name}Result, not ${result}.`);
      return;
    }
    const payload = result.getTypes().find(({ name }) => name === `${Name}Payload`);
    const failures = result.getTypes().filter((type) => type !== payload);
    if (!payload) report('mutation result', where, `${Name}Payload is missing.`);
    for (const failure of failures) {
      if (!isError(failure)) report('mutation result', where, `${failure.name} does not implement Error.`);
    }
    if (!failures.some(({ name }) => name === 'InvalidInputError')) {
      report('mutation result', where, 'Every mutation can answer InvalidInputError.');
    }
    for (const shown of fieldsOf(payload)) {
      const type = getNamedType(shown.type);
      const named = camel(type.name);
      const isList = isListType(getNullableType(shown.type));
      if (
        isObjectType(type)
          ? shown.name === (isList ? plural(named) : named)
          : excused('payloadFields', at(payload, shown))
      )
        continue;
      report(
        'payload',
        at(payload, shown),
        `A payload's field is named after its object: ${isList ? plural(named) : named}.`,
      );
    }
  }

  function checkQuery(field: GraphQLField): void {
    const type = getNullableType(field.type);
    const isMany = isListType(type) || isPage(getNamedType(type).name);
    if (!isMany && isNonNullType(field.type))
      report('root', `Query.${field.name}`, 'May be absent, so it is nullable.');
    if (isUnionType(getNamedType(type)))
      report('root', `Query.${field.name}`, 'Typed errors belong to mutations.');
  }

  function checkSubscription(field: GraphQLField): void {
    const where = `Subscription.${field.name}`;
    const type = getNamedType(field.type);
    if (!isObjectType(type) || String(type.getFields().cursor?.type) !== 'String!') {
      report('subscription', where, 'Yields an object with cursor: String!.');
    } else if (String(field.type) !== `${pascal(field.name)}!`) {
      report('subscription', where, `Yields ${pascal(field.name)}!, not ${field.type}.`);
    }
    const after = field.args.find(({ name }) => name === 'after');
    if (String(after?.type) !== 'String') report('subscription', where, 'Takes after: String.');
  }

  function checkObject(type: GraphQLObjectType | GraphQLInterfaceType): void {
    for (const field of fieldsOf(type)) {
      checkType(at(type, field), field);
      if (field.name.startsWith('viewerCan') && String(field.type) !== 'Boolean!') {
        report('rights', at(type, field), 'What the viewer can do is Boolean!.');
      }
    }
    if (!isObjectType(type)) return;
    const isNode = type.getInterfaces().some(({ name }) => name === 'Node');
    const { id } = type.getFields();
    if (isNode && String(id?.type) !== 'ID!') report('node', type.name, 'The id of a node is ID!.');
    if (id && isNonNullType(id.type) && !isNode && !isError(type) && !excused('notNodes', type.name)) {
      report('node', type.name, 'Has an id and so implements Node.');
    }
    if (isPage(type.name)) checkConnection(type);
  }

  function checkConnection(type: GraphQLObjectType): void {
    const of = type.name.slice(0, -'Connection'.length);
    const expected = {
      nodes: `[${of}!]!`,
      edges: `[${of}Edge!]!`,
      pageInfo: 'PageInfo!',
      totalCount: 'Int!',
    };
    for (const [name, wanted] of Object.entries(expected)) {
      const is = type.getFields()[name]?.type;
      if (String(is) !== wanted) report('connection', type.name, `Has ${name}: ${wanted}, not ${is}.`);
    }
    const edge = schema.getType(`${of}Edge`);
    const { cursor, node } = isObjectType(edge) ? edge.getFields() : {};
    if (String(cursor?.type) !== 'String!' || String(node?.type) !== `${of}!`) {
      report('connection', `${of}Edge`, `Has cursor: String! and node: ${of}!.`);
    }
  }

  /** Lists are connections with their arguments; the few plain ones are bounded. */
  function checkLists(type: GraphQLObjectType): void {
    for (const field of fieldsOf(type)) {
      const where = at(type, field);
      if (isListType(getNullableType(field.type))) {
        const ofPage = isPage(type.name) && (field.name === 'nodes' || field.name === 'edges');
        // A payload's list has as many objects as the input has, which is capped.
        const ofPayload = type.name.endsWith('Payload');
        if (!ofPage && !ofPayload && !excused('lists', where)) {
          report('list', where, 'A list is a connection, or stands among the known lists with its bound.');
        }
        // What another system is asked for may not be had, which leaves the rest of the answer.
        const whole = /\.remote[A-Z]/.test(where) ? /^\[\w+!\]$/ : /^\[\w+!\]!$/;
        if (!whole.test(String(field.type)) && where !== 'Query.nodes') {
          report('list', where, 'Neither a list nor what is in it is null.');
        }
      }
      if (isPage(getNamedType(field.type).name)) {
        const expected = { first: 'Int', last: 'Int', after: 'String', before: 'String' };
        for (const [name, wanted] of Object.entries(expected)) {
          const is = field.args.find((arg) => arg.name === name)?.type;
          if (String(is) !== wanted) report('connection', where, `Takes ${name}: ${wanted}.`);
        }
        if (!isNonNullType(field.type)) report('connection', where, 'A connection is never null.');
      }
    }
  }

  function checkEnum(type: GraphQLEnumType): void {
    for (const { name, deprecationReason } of type.getValues()) {
      if (!/^[A-Z][A-Z0-9]*(_[A-Z0-9]+)*$/.test(name))
        report('enum', `${type.name}.${name}`, 'Is SCREAMING_SNAKE.');
      checkDeprecation(`${type.name}.${name}`, deprecationReason);
    }
  }

  function checkErrors(): void {
    const { code, message } = isInterfaceType(error) ? error.getFields() : {};
    if (String(code?.type) !== 'ErrorCode!' || String(message?.type) !== 'String!') {
      report('errors', 'Error', 'Is interface Error { code: ErrorCode! message: String! }.');
    }
    for (const type of objects) {
      if (isError(type) !== type.name.endsWith('Error'))
        report('errors', type.name, 'XError and implementing Error are one.');
    }
  }

  function checkInput(type: GraphQLInputObjectType): void {
    if (!/(Input|Filter|Order)$/.test(type.name))
      report('casing', type.name, 'Inputs end in Input, Filter or Order.');
    for (const field of Object.values(type.getFields())) checkType(at(type, field), field, type);
    if (type.name.endsWith('Order')) checkOrder(type);
  }

  function checkOrder(type: GraphQLInputObjectType): void {
    const { field, direction, ...more } = type.getFields();
    const right =
      String(field?.type) === `${type.name}Field!` &&
      String(direction?.type) === 'OrderDirection!' &&
      Object.keys(more).length === 0;
    if (!right) report('order', type.name, `Is { field: ${type.name}Field! direction: OrderDirection! }.`);
  }

  /** Filters are objects of conditions; the conditions are made of a few operators. */
  function checkArguments(): void {
    const operators = new Set(['eq', 'in', 'gt', 'gte', 'lt', 'lte']);
    for (const type of [...objects, query, subscription]) {
      for (const field of fieldsOf(type)) {
        for (const arg of field.args) {
          const where = `${at(type, field)}(${arg.name})`;
          checkType(where, arg);
          if (arg.name === 'filter') checkFilter(where, getNamedType(arg.type), operators);
          if (arg.name === 'orderBy' && !/^\w+Order$/.test(String(arg.type)))
            report('order', where, 'Is a nullable XOrder.');
          if (arg.name === 'search' && String(arg.type) !== 'String')
            report('filter', where, 'search is a String.');
        }
      }
    }
  }

  function checkFilter(where: string, filter: GraphQLNamedType, operators: ReadonlySet<string>): void {
    if (!isInputObjectType(filter) || !filter.name.endsWith('Filter')) {
      report('filter', where, 'Is an input XFilter.');
      return;
    }
    for (const field of Object.values(filter.getFields())) {
      const condition = getNamedType(field.type);
      if (!isInputObjectType(condition) || !condition.name.endsWith('Filter')) {
        report('filter', at(filter, field), 'A condition is an input such as { eq, in } or { gte, lt }.');
        continue;
      }
      for (const operator of Object.keys(condition.getFields())) {
        if (!operators.has(operator))
          report('filter', `${condition.name}.${operator}`, `Operators are ${[...operators].join(', ')}.`);
      }
    }
  }

  /** What a name says about its type, and a type about its name. */
  function checkType(
    where: string,
    field: GraphQLField | GraphQLInputField | GraphQLArgument,
    parent?: GraphQLNamedType,
  ): void {
    const { name } = field;
    const type = getNamedType(field.type).name;
    // The conditions of a filter are named after what they do, not after what they hold.
    const isOperator = parent?.name.endsWith('Filter') && !type.endsWith('Filter');
    const list = isListType(getNullableType(field.type));
    const time = type === 'DateTime' || type === 'DateTimeFilter';
    const day = type === 'Date' || type === 'DateFilter';
    if (!isOperator && !((time || day) && excused('times', where))) {
      if (time !== /[a-z]At$/.test(name))
        report('time', where, 'DateTime and a name that ends in At go together.');
      if (day !== /[a-z]On$/.test(name))
        report('time', where, 'Date and a name that ends in On go together.');
    }
    if (
      /(duration|buffer|interval|delay|timeout)/i.test(name) &&
      !/(Minutes|Seconds|Hours|Days)$/.test(name)
    ) {
      report('duration', where, 'A duration names its unit.');
    }
    if (/Minutes$/.test(name) && type !== 'Int') report('duration', where, 'Minutes are Int.');

    const isId = /^(id|ids)$|[a-z]Ids?$/.test(name);
    const foreign = isId && known.foreignIds.includes(name);
    if (foreign) excused('foreignIds', name);
    if (isId && type !== (foreign ? 'String' : 'ID') && type !== (foreign ? 'StringFilter' : 'IdFilter')) {
      report('id', where, 'Ids are ID.');
    }
    if (type === 'ID' && !isId && !isOperator)
      report('id', where, 'What is an ID is named id, or ends in Id or Ids.');
    if (isId && list !== /[iI]ds$/.test(name)) report('id', where, 'Ids are a list, an id is one.');

    const ofMoney = parent?.name === 'MoneyInput' || where.startsWith('Money.');
    if (!ofMoney) {
      if (
        /(^|[a-z])(price|amount|spent|refunded|fee|revenue)$/i.test(name) &&
        !/^Money(Input)?$/.test(type)
      ) {
        report('money', where, 'Money is Money.');
      }
      if (type === 'Decimal' || type === 'Float' || /(Minor|Cents)$/.test(name)) {
        report('money', where, 'An amount is Money; nothing is a Float or in minor units.');
      }
    }
    if (
      list &&
      parent &&
      !isEnumType(getNamedType(field.type)) &&
      !/\bmost \d+/.test(field.description ?? '')
    ) {
      report('input list', where, 'Says how many it may hold: "At most 100."');
    }
  }
}

const pascal = (name: string) => `${name[0]?.toUpperCase()}${name.slice(1)}`;
const camel = (name: string) => `${name[0]?.toLowerCase()}${name.slice(1)}`;
const plural = (name: string) => (/[^aeiou]y$/.test(name) ? `${name.slice(0, -1)}ies` : `${name}s`);
const at = (type: { name: string } | null | undefined, field: { name: string }) =>
  `${type?.name}.${field.name}`;

/** Begins like one, ends like one, and says more than the name does. */
function isSentence(name: string, text: string | null | undefined): boolean {
  if (!text || !/^[A-Z0-9`"]/.test(text) || !/[.!?]$/.test(text) || !/\s/.test(text)) return false;
  const letters = (of: string) =>
    of
      .toLowerCase()
      .replace(/^(the|an?|its|their) /, '')
      .replace(/[^a-z0-9]/g, '');
  return letters(text) !== letters(name);
}

/** What must exist, and exactly so: outside checks use these names. Fields may take more arguments than are named here. */
const fixed = parse(/* GraphQL */ `
  interface Node { id: ID! }
  interface Error { code: ErrorCode! message: String! }
  type InvalidInputError { code: ErrorCode! message: String! issues: [InputIssue!]! }
  type InputIssue { path: String! message: String! }
  type Money { amount: Decimal! currency: CurrencyCode! }
  input MoneyInput { amount: Decimal! currency: CurrencyCode! }
  enum BookingStatus { PENDING CONFIRMED CANCELLED COMPLETED NO_SHOW }
  enum LeadGrade { COLD WARM HOT QUALIFIED }

  type Query {
    viewer: Viewer
    node(id: ID!): Node
    nodes(ids: [ID!]!): [Node]!
    customer(id: ID!): Customer
    customers(first: Int, after: String, filter: CustomerFilter, orderBy: CustomerOrder, search: String): CustomerConnection!
    booking(id: ID!): Booking
    bookings(first: Int, after: String, filter: BookingFilter, orderBy: BookingOrder): BookingConnection!
    services(first: Int, after: String): ServiceConnection!
    activities(customerId: ID, types: [ActivityType!], first: Int, after: String): ActivityConnection!
  }
  type User { id: ID! }
  type Service { id: ID! name: String! durationMinutes: Int! price: Money! capacity: Int! }
  type StaffMember { id: ID! displayName: String! email: String timeZone: TimeZone! }
  type Resource { id: ID! name: String! }
  type Payment { id: ID! amount: Money! method: PaymentMethod! transactionId: String }
  type Tag { id: ID! name: String! color: String description: String }
  type ApiKey { id: ID! }
  type Customer {
    id: ID!
    firstName: String
    lastName: String
    fullName: String
    email: String
    phone: String
    lifecycleStage: LifecycleStage!
    vip: Boolean!
    owner: User
    tags: [Tag!]!
    bookings(first: Int, after: String): BookingConnection!
    activities(first: Int, after: String): ActivityConnection!
    leadScore: LeadScore!
    stats: CustomerStats!
    createdAt: DateTime!
    updatedAt: DateTime!
  }
  type LeadScore { score: Int! grade: LeadGrade! }
  type CustomerStats { totalBookings: Int! totalSpent: [Money!]! lastBookingAt: DateTime }
  type Booking {
    id: ID!
    customer: Customer!
    service: Service!
    staffMember: StaffMember
    status: BookingStatus!
    startsAt: DateTime!
    endsAt: DateTime!
    price: Money!
    viewerCanCancel: Boolean!
  }
  type Activity { id: ID! type: ActivityType! title: String! occurredAt: DateTime! customer: Customer }

  type Mutation {
    createCustomer(input: CreateCustomerInput!): CreateCustomerResult
    updateCustomer(input: UpdateCustomerInput!): UpdateCustomerResult
    deleteCustomer(input: DeleteCustomerInput!): DeleteCustomerResult
    createBooking(input: CreateBookingInput!): CreateBookingResult
    updateBooking(input: UpdateBookingInput!): UpdateBookingResult
    confirmBooking(input: ConfirmBookingInput!): ConfirmBookingResult
    cancelBooking(input: CancelBookingInput!): CancelBookingResult
    completeBooking(input: CompleteBookingInput!): CompleteBookingResult
    markBookingNoShow(input: MarkBookingNoShowInput!): MarkBookingNoShowResult
    rescheduleBooking(input: RescheduleBookingInput!): RescheduleBookingResult
    createService(input: CreateServiceInput!): CreateServiceResult
    updateService(input: UpdateServiceInput!): UpdateServiceResult
    createStaffMember(input: CreateStaffMemberInput!): CreateStaffMemberResult
    updateStaffMember(input: UpdateStaffMemberInput!): UpdateStaffMemberResult
    recordPayment(input: RecordPaymentInput!): RecordPaymentResult
    refundPayment(input: RefundPaymentInput!): RefundPaymentResult
    createTag(input: CreateTagInput!): CreateTagResult
    addTags(input: AddTagsInput!): AddTagsResult
    removeTags(input: RemoveTagsInput!): RemoveTagsResult
    createApiKey(input: CreateApiKeyInput!): CreateApiKeyResult
    revokeApiKey(input: RevokeApiKeyInput!): RevokeApiKeyResult
  }
  type CreateCustomerPayload { customer: Customer! }
  type CreateBookingPayload { booking: Booking! }
  type CreateServicePayload { service: Service! }
  type CreateStaffMemberPayload { staffMember: StaffMember! }
  type RecordPaymentPayload { payment: Payment! }
  type CreateTagPayload { tag: Tag! }
  type CreateApiKeyPayload { apiKey: ApiKey! }
  input CreateCustomerInput { firstName: String lastName: String email: String phone: String }
  input UpdateCustomerInput { id: ID! }
  input CreateServiceInput { name: String! durationMinutes: Int! price: MoneyInput capacity: Int }
  input CreateStaffMemberInput { displayName: String! email: String timeZone: TimeZone }
  input CreateBookingInput {
    customerId: ID!
    serviceId: ID!
    staffMemberId: ID
    startsAt: DateTime!
    timeZone: TimeZone
    durationMinutes: Int
    notes: String
  }
  input CancelBookingInput { id: ID! reason: String }
  input RecordPaymentInput { bookingId: ID amount: MoneyInput! method: PaymentMethod! transactionId: String }
  input CreateTagInput { name: String! color: String description: String }
  input AddTagsInput { customerIds: [ID!]! tags: [String!]! }

  type Subscription {
    activityAdded(customerId: ID, types: [ActivityType!], after: String): ActivityAdded!
    bookingChanged(after: String): BookingChanged!
  }
  type ActivityAdded { cursor: String! activity: Activity! }
  type BookingChanged { cursor: String! booking: Booking }
`);

/** Where the schema is not what is fixed, a line each. */
function differences(schema: GraphQLSchema, fixed: DocumentNode): string[] {
  const found: string[] = [];
  for (const wanted of fixed.definitions) {
    if (!('name' in wanted) || !wanted.name) continue;
    const type = schema.getType(wanted.name.value);
    if (!type) {
      found.push(`${wanted.name.value} is missing.`);
      continue;
    }
    if (wanted.kind === 'EnumTypeDefinition') {
      const values = isEnumType(type) ? type.getValues().map(({ name }) => name) : [];
      const expected = (wanted.values ?? []).map(({ name }) => name.value);
      if (values.sort().join() !== expected.sort().join())
        found.push(`${type.name} is ${values.join()}, not ${expected.join()}.`);
      continue;
    }
    const isRequiredAt = (one: GraphQLArgument | GraphQLInputField) =>
      isNonNullType(one.type) && one.defaultValue === undefined;
    const fields = (
      isObjectType(type) || isInterfaceType(type) || isInputObjectType(type) ? type.getFields() : {}
    ) as Record<string, GraphQLField | GraphQLInputField>;
    const wantedFields = 'fields' in wanted ? (wanted.fields ?? []) : [];
    for (const one of wantedFields) {
      const where = `${type.name}.${one.name.value}`;
      const field = fields[one.name.value];
      if (String(field?.type) !== print(one.type))
        found.push(`${where} is ${field?.type ?? 'missing'}, not ${print(one.type)}.`);
      const args = field && 'args' in field ? field.args : [];
      const wantedArgs = 'arguments' in one ? (one.arguments ?? []) : [];
      for (const arg of wantedArgs) {
        const is = args.find(({ name }) => name === arg.name.value);
        if (String(is?.type) !== print(arg.type))
          found.push(`${where}(${arg.name.value}) is ${is?.type ?? 'missing'}, not ${print(arg.type)}.`);
      }
      for (const arg of args) {
        if (isRequiredAt(arg) && !wantedArgs.some(({ name }) => name.value === arg.name))
          found.push(`${where}(${arg.name}) may not be required.`);
      }
    }
    if (!isInputObjectType(type)) continue;
    for (const field of Object.values(type.getFields())) {
      if (isRequiredAt(field) && !wantedFields.some(({ name }) => name.value === field.name)) {
        found.push(`${at(type, field)} may not be required.`);
      }
    }
  }
  return found;
}

const lines = (found: Violation[]) => found.map(({ rule, where, what }) => `[${rule}] ${where}: ${what}`);

describe('The schema', () => {
  test('keeps every convention of the public API.', () => {
    expect(lines(violations(schema, known))).toEqual([]);
  });

  test('has the names and signatures that outside checks use.', () => {
    expect(differences(schema, fixed)).toEqual([]);
  });
});

/** A small API that keeps every convention. Whatever has no description here gets one that does. */
const right = /* GraphQL */ `
  scalar DateTime
  scalar Date
  scalar Decimal
  scalar CurrencyCode
  interface Node { id: ID! }
  interface Error { code: ErrorCode! message: String! }
  enum ErrorCode { INVALID_INPUT NOT_FOUND }
  type InputIssue { path: String! message: String! }
  type InvalidInputError implements Error { code: ErrorCode! message: String! issues: [InputIssue!]! }
  type NotFoundError implements Error { code: ErrorCode! message: String! id: ID! }
  type Money { amount: Decimal! currency: CurrencyCode! }
  input MoneyInput { amount: Decimal! currency: CurrencyCode! }
  type Visit implements Node {
    id: ID!
    externalId: String
    startsAt: DateTime!
    bookedOn: Date
    durationMinutes: Int!
    price: Money!
    old: Int @deprecated(reason: "Use \`price\` instead; this goes on 2027-01-31.")
    viewerCanCancel: Boolean!
  }
  type PageInfo { hasNextPage: Boolean! }
  type VisitEdge { cursor: String! node: Visit! }
  type VisitConnection { nodes: [Visit!]! edges: [VisitEdge!]! pageInfo: PageInfo! totalCount: Int! }
  input IdFilter {
    eq: ID
    "One of these; at most 100."
    in: [ID!]
  }
  input DateTimeFilter { gte: DateTime lt: DateTime }
  input VisitFilter { ownerId: IdFilter startsAt: DateTimeFilter }
  enum OrderDirection { ASC DESC }
  enum VisitOrderField { STARTS_AT }
  input VisitOrder { field: VisitOrderField! direction: OrderDirection! }
  type Query {
    visit(id: ID!): Visit
    visits(first: Int, last: Int, after: String, before: String, filter: VisitFilter, orderBy: VisitOrder, search: String): VisitConnection!
  }
  input CreateVisitInput { price: MoneyInput startsAt: DateTime! idempotencyKey: String }
  type CreateVisitPayload { visit: Visit! }
  union CreateVisitResult = CreateVisitPayload | InvalidInputError | NotFoundError
  input CancelVisitInput { id: ID! }
  type CancelVisitPayload { visit: Visit! }
  union CancelVisitResult = CancelVisitPayload | InvalidInputError
  type Mutation {
    createVisit(input: CreateVisitInput!): CreateVisitResult
    cancelVisit(input: CancelVisitInput!): CancelVisitResult
  }
  type VisitChanged { cursor: String! visit: Visit }
  type Subscription { visitChanged(after: String): VisitChanged! }
`;
const rightKnown: Known = {
  lists: { 'InvalidInputError.issues': 'As many as the input has values.' },
  notNodes: {},
  foreignIds: ['externalId'],
  times: [],
  nouns: [],
  payloadFields: {},
};

/** The text as a schema; what lacks a description gets one. */
function small(text: string): GraphQLSchema {
  const description = { kind: 'StringValue', value: 'It says something that its name does not.' };
  return buildASTSchema(
    visit(parse(text), {
      leave(node) {
        const isDescribed =
          /^(Scalar|Object|Interface|Union|Enum|EnumValue|InputObject|Field|InputValue)(Type)?Definition$/;
        if (isDescribed.test(node.kind))
          return { ...node, description: (node as { description?: unknown }).description ?? description };
      },
    }) as DocumentNode,
  );
}

/** Each breaks one rule: what is replaced in the small API, by what, and where it must be found. */
const planted: [rule: string, replace: string, by: string, where: string][] = [
  ['description', 'type Visit implements', '"Visit" type Visit implements', 'Visit'],
  ['description', 'price: Money! old', '"price" price: Money! old', 'Visit.price'],
  ['description', 'price: Money! old', '"The price." price: Money! old', 'Visit.price'],
  ['description', 'price: Money! old', '"what it costs to come." price: Money! old', 'Visit.price'],
  ['description', 'price: Money! old', '"What it costs to come" price: Money! old', 'Visit.price'],
  ['description', 'visit(id: ID!)', 'visit("Id" id: ID!)', 'Query.visit(id)'],
  ['description', '{ STARTS_AT }', '{ "Starts at." STARTS_AT }', 'VisitOrderField.STARTS_AT'],
  ['description', 'CancelVisitInput { id', 'CancelVisitInput { "Id." id', 'CancelVisitInput.id'],
  ['casing', 'externalId: String', 'External_id: String externalId: String', 'Visit.External_id'],
  ['casing', 'search: String', 'Search: String', 'Query.visits(Search)'],
  ['deprecation', 'goes on 2027-01-31', 'goes soon', 'Visit.old'],
  ['deprecation', 'Use `price` instead; this', 'This', 'Visit.old'],
  ['mutation name', 'ancelVisit', 'allVisit', 'Mutation.callVisit'],
  ['mutation name', 'ancelVisit', 'ancelStay', 'Mutation.cancelStay'],
  [
    'mutation input',
    'cancelVisit(input: CancelVisitInput!)',
    'cancelVisit(input: CancelVisitInput)',
    'Mutation.cancelVisit',
  ],
  [
    'mutation input',
    'cancelVisit(input: CancelVisitInput!)',
    'cancelVisit(with: CancelVisitInput!)',
    'Mutation.cancelVisit',
  ],
  [
    'mutation input',
    'cancelVisit(input: CancelVisitInput!)',
    'cancelVisit(input: CancelVisitInput!, force: Boolean)',
    'Mutation.cancelVisit',
  ],
  [
    'mutation input',
    'cancelVisit(input: CancelVisitInput!)',
    'cancelVisit(input: CreateVisitInput!)',
    'Mutation.cancelVisit',
  ],
  [
    'mutation input',
    'CancelVisitInput { id: ID! }',
    'CancelVisitInput { visitId: ID! }',
    'CancelVisitInput.id',
  ],
  ['idempotency', ' idempotencyKey: String }', ' }', 'CreateVisitInput'],
  ['mutation result', '): CancelVisitResult', '): CancelVisitResult!', 'Mutation.cancelVisit'],
  ['mutation result', '): CancelVisitResult', '): CancelVisitPayload', 'Mutation.cancelVisit'],
  [
    'mutation result',
    '= CancelVisitPayload | InvalidInputError',
    '= CancelVisitPayload',
    'Mutation.cancelVisit',
  ],
  [
    'mutation result',
    '= CancelVisitPayload | InvalidInputError',
    '= InvalidInputError',
    'Mutation.cancelVisit',
  ],
  [
    'mutation result',
    '= CancelVisitPayload | InvalidInputError',
    '= CancelVisitPayload | CreateVisitPayload | InvalidInputError',
    'Mutation.cancelVisit',
  ],
  [
    'mutation result',
    '= CancelVisitPayload | InvalidInputError',
    '= CancelVisitPayload | InvalidInputError | Visit',
    'Mutation.cancelVisit',
  ],
  ['payload', 'CancelVisitPayload { visit:', 'CancelVisitPayload { result:', 'CancelVisitPayload.result'],
  [
    'payload',
    'CancelVisitPayload { visit: Visit!',
    'CancelVisitPayload { visit: Visit! done: Boolean!',
    'CancelVisitPayload.done',
  ],
  ['root', '): Visit ', '): Visit! ', 'Query.visit'],
  ['root', '): Visit ', '): CancelVisitResult ', 'Query.visit'],
  ['subscription', 'VisitChanged { cursor: String! ', 'VisitChanged { ', 'Subscription.visitChanged'],
  [
    'subscription',
    'VisitChanged { cursor: String! ',
    'VisitChanged { cursor: String ',
    'Subscription.visitChanged',
  ],
  ['subscription', '(after: String): VisitChanged!', ': VisitChanged!', 'Subscription.visitChanged'],
  ['subscription', ': VisitChanged!', ': VisitChanged', 'Subscription.visitChanged'],
  ['subscription', 'visitChanged(', 'visitMoved(', 'Subscription.visitMoved'],
  ['rights', 'viewerCanCancel: Boolean!', 'viewerCanCancel: Boolean', 'Visit.viewerCanCancel'],
  ['node', 'type Visit implements Node', 'type Visit', 'Visit'],
  ['connection', 'nodes: [Visit!]! ', '', 'VisitConnection'],
  ['connection', ' totalCount: Int!', '', 'VisitConnection'],
  ['connection', 'node: Visit!', 'node: Visit', 'VisitEdge'],
  ['connection', 'before: String, ', '', 'Query.visits'],
  ['connection', '): VisitConnection!', '): VisitConnection', 'Query.visits'],
  ['list', 'externalId: String', 'externalId: String notes: [String!]!', 'Visit.notes'],
  ['list', 'issues: [InputIssue!]!', 'issues: [InputIssue!]', 'InvalidInputError.issues'],
  ['input list', '"One of these; at most 100."', '"One of these ids."', 'IdFilter.in'],
  ['enum', '{ ASC DESC }', '{ ASC desc }', 'OrderDirection.desc'],
  ['errors', 'NotFoundError', 'NotFound', 'NotFound'],
  ['errors', 'scalar Date ', 'scalar Date type OddError { text: String } ', 'OddError'],
  ['errors', 'Error { code: ErrorCode! message: String! } enum', 'Error { message: String! } enum', 'Error'],
  ['casing', 'scalar Date ', 'scalar Date input Oddity { text: String } ', 'Oddity'],
  ['order', 'field: VisitOrderField! direction', 'by: VisitOrderField! direction', 'VisitOrder'],
  ['filter', 'startsAt: DateTimeFilter }', 'startsAt: DateTimeFilter open: Boolean }', 'VisitFilter.open'],
  ['filter', '{ gte: DateTime lt: DateTime }', '{ from: DateTime lt: DateTime }', 'DateTimeFilter.from'],
  ['filter', 'filter: VisitFilter', 'filter: String', 'Query.visits(filter)'],
  ['time', 'bookedOn: Date', 'bookedOn: DateTime', 'Visit.bookedOn'],
  ['time', 'bookedOn: Date', 'booked: Date', 'Visit.booked'],
  ['time', 'startsAt: DateTime! bookedOn', 'start: DateTime! bookedOn', 'Visit.start'],
  [
    'time',
    'startsAt: DateTime! idempotencyKey',
    'startsAt: String! idempotencyKey',
    'CreateVisitInput.startsAt',
  ],
  ['duration', 'durationMinutes: Int!', 'duration: Int!', 'Visit.duration'],
  ['duration', 'durationMinutes: Int!', 'durationMinutes: String!', 'Visit.durationMinutes'],
  [
    'id',
    'CancelVisitInput { id: ID! }',
    'CancelVisitInput { id: ID! reasonId: String }',
    'CancelVisitInput.reasonId',
  ],
  ['id', 'externalId: String', 'externalId: String owner: ID', 'Visit.owner'],
  ['id', 'ownerId: IdFilter', 'ownerIds: IdFilter', 'VisitFilter.ownerIds'],
  ['money', 'price: Money! old', 'price: Int! old', 'Visit.price'],
  ['money', 'price: MoneyInput', 'priceMinor: Int', 'CreateVisitInput.priceMinor'],
  ['money', 'externalId: String', 'externalId: String ratio: Float', 'Visit.ratio'],
  ['known', 'externalId: String', '', 'foreignIds: externalId'],
];

describe('The walk through the schema', () => {
  const flat = right.replace(/\s+/g, ' ');

  test('finds nothing wrong with an API that keeps every convention.', () => {
    expect(lines(violations(small(flat), rightKnown))).toEqual([]);
  });

  test.each(planted)('finds a break of the rule about %s: `%s` -> `%s`.', (rule, replace, by, where) => {
    expect(flat).toContain(replace);
    const found = violations(small(flat.replaceAll(replace, by)), rightKnown);
    expect(found).toContainEqual(expect.objectContaining({ rule, where }));
    expect(new Set(found.map((one) => one.rule)), lines(found).join('\n')).toEqual(new Set([rule]));
  });

  test('has a planted break for every rule that it knows.', () => {
    const code = violations.toString();
    const rules = [...code.matchAll(/report\(\s*["'`]([a-z ]+)["'`]/g)].map(([, rule]) => rule);
    expect(new Set(planted.map(([rule]) => rule))).toEqual(new Set(rules));
  });

  test.each([
    ['externalId: String', 'externalId: ID', 'Visit.externalId is ID, not String.'],
    ['visit(id: ID!)', 'visit(id: String!)', 'Query.visit(id) is String!, not ID!.'],
    ['visit(id: ID!)', 'visit(id: ID!, of: ID!)', 'Query.visit(of) may not be required.'],
    [
      'CancelVisitInput { id: ID! }',
      'CancelVisitInput { id: ID! reason: String! }',
      'CancelVisitInput.reason may not be required.',
    ],
    ['createVisit(', 'makeVisit(', 'Mutation.createVisit is missing, not CreateVisitResult.'],
    ['{ ASC DESC }', '{ ASC }', 'OrderDirection is ASC, not ASC,DESC.'],
    ['CurrencyCode', 'Currency', 'CurrencyCode is missing.'],
  ])('finds that a fixed name or signature is not there: `%s` -> `%s`.', (replace, by, line) => {
    expect(differences(small(flat), parse(flat))).toEqual([]);
    expect(flat).toContain(replace);
    expect(differences(small(flat.replaceAll(replace, by)), parse(flat))).toContain(line);
  });
});
