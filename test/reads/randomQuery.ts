import {
  type GraphQLArgument,
  type GraphQLField,
  type GraphQLInputType,
  type GraphQLObjectType,
  getNamedType,
  isEnumType,
  isInputObjectType,
  isInterfaceType,
  isLeafType,
  isListType,
  isNonNullType,
  isObjectType,
} from 'graphql';
import { decodeId, encodeId, type IdType, newId } from '../../src/core/ids.ts';
import type { ReadDeclaration } from '../../src/schema/read.ts';
import { schema } from '../../src/schema/schema.ts';
import type { HardRows } from './hardRows.ts';

/** Random numbers from a seed: the same ones each time. */
export function randomOf(seed: number) {
  let state = seed >>> 0;
  const next = () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
  return {
    chance: (probability: number) => next() < probability,
    upTo: (most: number) => Math.floor(next() * (most + 1)),
    pick: <T>(from: readonly T[]): T => from[Math.floor(next() * from.length)] as T,
  };
}

export interface RandomQuery {
  source: string;
  variables: Record<string, unknown>;
}

const mostFields = 60;

/**
 * A valid query of the schema: any field, argument, filter, order and cursor, with aliases, fragments, directives and
 * variables. Values are such as the rows have, and now and then such as nobody has.
 */
export function randomQuery(
  seed: number,
  rows: HardRows,
  kind: 'query' | 'subscription' = 'query',
): RandomQuery {
  const { chance, upTo, pick } = randomOf(seed);
  const definitions: string[] = [];
  const fragments: string[] = [];
  const variables: Record<string, unknown> = {};
  let fields = 0;
  let names = 0;

  function selection(type: GraphQLObjectType, depth: number): string {
    const all = Object.values(type.getFields());
    const wanted = 1 + upTo(type.name === 'Query' ? 2 : 5);
    const chosen = Array.from({ length: wanted }, () => pick(all)).filter(
      (field) => isLeafType(getNamedType(field.type)) || (depth < 6 && fields < mostFields),
    );
    const texts = chosen.map((field) => wrapped(type, fieldText(field, depth)));
    if (texts.length === 0 || chance(0.15)) texts.push(chance(0.5) ? '__typename' : 'what: __typename');
    return `{ ${texts.join(' ')} }`;
  }

  function fieldText(field: GraphQLField, depth: number): string {
    fields++;
    const named = getNamedType(field.type);
    const alias =
      chance(0.15) || field.args.length > 0 ? `${chance(0.01) ? 'a'.repeat(60) : 'a'}${++names}: ` : '';
    const page = (field.extensions.read as ReadDeclaration | undefined)?.shape === 'page';
    const args = page ? pageArguments(field, depth) : field.args.flatMap((arg) => argument(arg));
    const text = `${alias}${field.name}${args.length > 0 ? `(${args.join(', ')})` : ''}`;
    if (isLeafType(named)) return text;
    if (isInterfaceType(named)) {
      // One type only: fields of one name on several types would have to agree in their arguments.
      const one = pick(schema.getPossibleTypes(named));
      return `${text} { id __typename ... on ${one.name} ${selection(one, depth + 1)} ${chance(0.2) ? '... on Node { again: id }' : ''} }`;
    }
    return `${text} ${selection(named as GraphQLObjectType, depth + 1)}`;
  }

  /** Now and then in a fragment, or under a directive. */
  function wrapped(type: GraphQLObjectType, text: string): string {
    if (chance(0.06)) {
      const name = `F${++names}`;
      fragments.push(`fragment ${name} on ${type.name} { ${text} }`);
      return `...${name}`;
    }
    if (chance(0.05)) return `... on ${type.name} { ${text} }`;
    if (chance(0.05)) {
      const yes = chance(0.5);
      const name = `b${++names}`;
      const literal = chance(0.5);
      if (!literal) {
        definitions.push(`$${name}: Boolean!`);
        variables[name] = yes;
      }
      return `... @${chance(0.5) ? 'skip' : 'include'}(if: ${literal ? yes : `$${name}`}) { ${text} }`;
    }
    return text;
  }

  function pageArguments(field: GraphQLField, depth: number): string[] {
    const { model, list } = field.extensions.read as ReadDeclaration;
    const one = (name: string) => field.args.find((arg) => arg.name === name) as GraphQLArgument;
    const size = () => (chance(0.1) ? upTo(2) : depth < 1 ? upTo(30) : upTo(4));
    const args: string[] = [];
    const give = (name: string, value: unknown) => args.push(...argument(one(name), value));
    const cursor = () => {
      const type = model === 'Event' ? 'Activity' : (model as IdType);
      // Of what there is nothing of, somebody else's id.
      const id = decodeId(pick(rows.ids[type] ?? [encodeId(type, newId())]))?.uuid as string;
      const value = list?.cursor === 'id' ? `S:${id}` : `T:["S:${rows.admin.workspace.id}","S:${id}"]`;
      return chance(0.03) ? 'nonsense' : Buffer.from(`GPC:${value}`).toString('base64');
    };
    const way = upTo(5);
    if (way === 1 || (way === 0 && depth > 0)) give('first', size());
    if (way === 2) give('last', size());
    if (way === 3) {
      if (chance(0.8)) give('first', size());
      give('after', cursor());
    }
    if (way === 4) {
      if (chance(0.8)) give('last', size());
      give('before', cursor());
    }
    if (way === 5) give(pick(['first', 'last']), chance(0.1) ? pick([-1, 101, null]) : size());
    for (const arg of field.args) {
      if (['first', 'last', 'after', 'before'].includes(arg.name) || chance(0.5)) continue;
      args.push(...argument(arg));
    }
    return args;
  }

  /** As a literal or as a variable. */
  function argument(arg: GraphQLArgument, value: unknown = inputOf(arg.type, arg.name)): string[] {
    if (value === undefined) return [];
    // Half of a character can be sent in variables only.
    const unspeakable = /\\ud[89a-f]/.test(JSON.stringify(value));
    if (unspeakable || chance(0.3)) {
      const name = `v${++names}`;
      const fallback =
        !unspeakable && chance(0.3) && !isNonNullType(arg.type) ? ` = ${literal(value, arg.type)}` : '';
      definitions.push(`$${name}: ${arg.type}${fallback}`);
      if (!fallback || chance(0.3)) variables[name] = value;
      return [`${arg.name}: $${name}`];
    }
    return [`${arg.name}: ${literal(value, arg.type)}`];
  }

  function inputOf(type: GraphQLInputType, name: string): unknown {
    if (isNonNullType(type))
      return inputOf(type.ofType, name) ?? inputOf(type.ofType, name) ?? fallbackOf(type.ofType, name);
    if (chance(0.05)) return null;
    return fallbackOf(type, name);
  }

  function fallbackOf(type: GraphQLInputType, name: string): unknown {
    if (isListType(type))
      return Array.from({ length: upTo(3) }, () => inputOf(type.ofType, name)).filter((one) => one != null);
    if (isEnumType(type)) return pick(type.getValues()).name;
    if (isInputObjectType(type)) {
      const inputs = Object.values(type.getFields());
      const given = inputs.filter(
        (input) => isNonNullType(input.type) || chance(inputs.length > 3 ? 0.2 : 0.6),
      );
      return Object.fromEntries(
        given.map((input) => [
          input.name,
          inputOf(input.type, ['eq', 'in'].includes(input.name) ? name : input.name),
        ]),
      );
    }
    if (String(type) === 'ID') return anId(name);
    if (String(type) === 'DateTime') return chance(0.03) ? '0000-01-01T00:00:00.000Z' : pick(rows.times);
    if (String(type) === 'Date') return chance(0.03) ? '0000-01-01' : pick(rows.times).slice(0, 10);
    if (String(type) === 'Int') return upTo(5);
    if (String(type) === 'Boolean') return chance(0.5);
    if (name === 'search')
      return pick(['ada', 'ADA  zoe', '49301', '+49 (0)301', '%', 'a_', '', ' ', '👩', 'ada\0', '\ud800']);
    return pick([
      '1@example.com',
      '2@example.com',
      '+493012',
      '+493014',
      'ext "1"',
      'R"3',
      'b3',
      'Same',
      'same',
      'slug 1',
      ...rows.texts,
      'a\0',
    ]);
  }

  function anId(name: string): string {
    const type = /^(\w+)Id$/.exec(name)?.[1];
    const guess =
      type &&
      (
        {
          owner: 'User',
          customer: 'Customer',
          team: 'Team',
          tag: 'Tag',
          booking: 'Booking',
          service: 'Service',
          staffMember: 'StaffMember',
          resource: 'Resource',
        } as const
      )[type as 'tag'];
    if (chance(0.04))
      return pick([
        'nonsense',
        '',
        encodeId('Workspace', rows.admin.workspace.id),
        'cus_8zzzzzzzzzzzzzzzzzzzzzzzzz',
        newId(),
      ]);
    const types = Object.keys(rows.ids);
    return pick(rows.ids[guess && chance(0.9) ? guess : pick(types)] as string[]);
  }

  const text = selectionOfRoots();

  /** Root fields by id are given ids of their own type. */
  function selectionOfRoots(): string {
    // A subscription has one root field, under no condition.
    if (kind === 'subscription')
      return `{ ${fieldText(pick(Object.values(schema.getSubscriptionType()?.getFields() ?? {})), 0)} }`;
    const query = schema.getQueryType() as GraphQLObjectType;
    const all = Object.values(query.getFields());
    const texts = Array.from({ length: 1 + upTo(2) }, () => {
      const field = pick(all);
      const named = getNamedType(field.type);
      const byId = field.args.length === 1 && field.args[0]?.name === 'id' && isObjectType(named);
      if (!byId || chance(0.1)) return wrapped(query, fieldText(field, 0));
      const [arg] = field.args;
      const id = argument(
        arg as GraphQLArgument,
        pick(rows.ids[named.name] ?? [encodeId(named.name as IdType, newId())]),
      );
      return wrapped(query, `a${++names}: ${field.name}(${id}) ${selection(named, 1)}`);
    });
    return `{ ${texts.join(' ')} }`;
  }

  const head = definitions.length > 0 ? `(${definitions.join(', ')})` : '';
  return { source: `${kind} Q${head} ${text} ${fragments.join(' ')}`, variables };
}

function literal(value: unknown, type: GraphQLInputType): string {
  if (isNonNullType(type)) return literal(value, type.ofType);
  if (value === null) return 'null';
  if (isListType(type)) return `[${(value as unknown[]).map((one) => literal(one, type.ofType)).join(', ')}]`;
  if (isInputObjectType(type)) {
    const given = Object.entries(value as object).filter(([, one]) => one !== undefined);
    return `{ ${given.map(([name, one]) => `${name}: ${literal(one, type.getFields()[name]?.type as GraphQLInputType)}`).join(', ')} }`;
  }
  return isEnumType(type) ? String(value) : JSON.stringify(value);
}
