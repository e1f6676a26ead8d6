import { Refused } from '../core/errors.ts';
import type { GraphQLContext } from './builder.ts';
import type { List, PageArgs, Where } from './list.ts';
import { apart, type Way } from './served.ts';

type Beginning = { gte: string; lt: string };
interface Rows {
  findMany(query: unknown): Promise<unknown[]>;
}
type Query = (args: PageArgs, ctx: GraphQLContext) => { where: Where; orderBy: Where[] };

interface Page {
  args: PageArgs;
  way: Way;
  /** All conditions that the list is given, and the order in which an index serves them; refuses what none serves. */
  query: Query;
  /** The conditions alone. */
  conditions: (args: PageArgs, ctx: GraphQLContext) => Where;
  /** The uuid of the page's cursor, and the condition that says what lies beyond it in the list's order. */
  cursor: string | null;
  beyond: Where | null;
  /** Rows of the page and one more; negative from the end. */
  take: number;
}

/**
 * Finds the ids of a page, in its order, where no one range of an index holds it: a short look for each value of a
 * condition, at the customers of a tag or segment, or at words. Each look has every condition of the list, what the viewer may see
 * included, and ends with the page. Null when the list can be read as it is.
 */
export async function narrowed(
  ctx: GraphQLContext,
  rows: Rows,
  list: List<never>,
  page: Page,
): Promise<string[] | null> {
  const { args, way, beyond, take, query } = page;
  if (way.search) return bySearch(ctx, rows, list, page);
  const condition = way.apart;
  if (!condition) return null;
  const serving = list.served?.[condition];
  const looks = apart(args, condition).map(async (one) => {
    if (serving?.as === 'part' && serving.behind)
      return behindTable(ctx, list, one, condition, serving.behind, page);
    const { where, orderBy } = query(one, ctx);
    const select = { id: true, [way.column]: true };
    const found = await rows.findMany({ where: and(where, beyond), orderBy, take, select });
    return found.map((row) => ({ id: (row as Seen).id, at: (row as Record<string, unknown>)[way.column] }));
  });
  const seen = [...new Map((await Promise.all(looks)).flat().map((row) => [row.id, row])).values()];
  return byTime(seen, page) ?? inOrder(ctx, rows, idsOf(seen), page);
}

/** A row, and its place in the order. */
interface Seen {
  id: string;
  at: unknown;
}

/** The page among these rows; null when they are not in the order of a time. */
function byTime(seen: Seen[], { way, take }: Page): string[] | null {
  if (!seen.every(({ at }) => at instanceof Date)) return null;
  const sign = way.direction === 'asc' ? 1 : -1;
  const ordered = idsOf(
    (seen as { id: string; at: Date }[]).toSorted(
      (a, b) => sign * (a.at.getTime() - b.at.getTime() || (a.id < b.id ? -1 : 1)),
    ),
  );
  return take < 0 ? ordered.slice(take) : ordered.slice(0, take);
}

/**
 * The page among these ids. The database orders them all, since it knows how texts compare; with a limit it might walk
 * the list in its order until it has met a page of them.
 */
async function inOrder(ctx: GraphQLContext, rows: Rows, ids: string[], { way, beyond, take }: Page) {
  const among = { workspaceId: ctx.workspace.id, id: { in: [...new Set(ids)] } };
  const orderBy = [{ [way.column]: way.direction }, { id: way.direction }];
  const ordered = idsOf(await rows.findMany({ where: and(among, beyond), orderBy, select: { id: true } }));
  return take < 0 ? ordered.slice(take) : ordered.slice(0, take);
}

const and = (...conditions: (Where | null | undefined)[]): Where => ({
  AND: conditions.filter((one) => one != null),
});
const idsOf = (rows: unknown[]) => rows.map((row) => (row as { id: string }).id);
const customerIdsOf = (rows: { customerId: string }[]) => rows.map(({ customerId }) => customerId);

/** Where customers stand beside what they have, in the order in which the customers were added. */
const tables = { tags: 'customerTag', segments: 'segmentMember' } as const;

/** Customers who have something, such as a tag, in the order in which they were added. */
async function behindTable(
  ctx: GraphQLContext,
  list: List<never>,
  args: PageArgs,
  condition: string,
  behind: keyof typeof tables,
  { way, beyond, take, conditions }: Page,
): Promise<Seen[]> {
  const { [condition]: worn, ...filter } = args.filter as Record<string, unknown>;
  const only = (of: object) => list.filter?.where(of as never) as Record<string, { some: Where }>;
  const span = { [way.column]: only(filter)[way.column] };
  const rows = await (ctx.db[tables[behind]] as typeof ctx.db.customerTag).findMany({
    where: {
      ...and(
        { workspaceId: ctx.workspace.id },
        only({ [condition]: worn })[behind]?.some,
        beside(span),
        beside(beyond),
      ),
      customer: conditions({ ...args, filter }, ctx),
    },
    orderBy: [{ customerCreatedAt: way.direction }, { customerId: way.direction }],
    take,
    select: { customerId: true, customerCreatedAt: true },
  });
  return rows.map(({ customerId, customerCreatedAt }) => ({ id: customerId, at: customerCreatedAt }));
}

/** A condition on customers as one on the columns that stand beside what they have. */
const beside = (where: Where | null): Where =>
  Object.fromEntries(
    Object.entries(where ?? {}).map(([name, value]) => [
      { createdAt: 'customerCreatedAt', id: 'customerId' }[name] ?? name,
      Array.isArray(value) ? value.map(beside) : value,
    ]),
  );

/** With an order of the caller's own, or for what may be a phone number, so many of the best matches are put in order. */
const bestMatches = 1_000;
/** How far other conditions, and each of several words, are followed to see whether few customers meet them. */
const fewMatches = 1_000;

/**
 * Customers by words. Without an order the best match comes first: by the word that matches, so that whole words come
 * before longer ones, and of the same word the newest customer first. That is the order of the index.
 */
async function bySearch(ctx: GraphQLContext, rows: Rows, list: List<never>, page: Page): Promise<string[]> {
  const { args, way } = page;
  const ways = list.search?.words(args.search as string) ?? [];
  const ranked = way.search === 'ranked';
  const read = ranked ? page : { ...page, cursor: null, take: bestMatches };
  const few = await meeting(ctx, page);
  const looks = ways.map((words) => matching(ctx, words, few, read));
  const found = (await Promise.all(looks)).flat();
  return ranked ? found : inOrder(ctx, rows, found, page);
}

/**
 * How many customers a search of one word finds, from the index alone: erasure leaves no words, so whoever has one is
 * there. Null where something else is asked for too, or not everybody may be seen.
 */
export async function countedByWord(
  ctx: GraphQLContext,
  list: List<never>,
  { search, filter }: PageArgs,
): Promise<number | null> {
  const [words, other] = (search && list.search?.words(search)) || [];
  const [word] = words ?? [];
  if (!word || words?.length !== 1 || other || filter || ctx.viewer.rowScope !== 'ALL') return null;
  return ctx.db.customerWord.count({ where: firstOf(ctx, word) });
}

/** The row by which a word that begins so meets its customer: one for each, since the word before it begins otherwise. */
const firstOf = (ctx: GraphQLContext, word: Beginning) => ({
  workspaceId: ctx.workspace.id,
  word,
  previous: { lt: word.gte },
});

/**
 * The customers who meet the list's other conditions, when they are few: words are then looked for among them. The
 * database cannot know how few customers of a frequent word a viewer reaches.
 */
async function meeting(ctx: GraphQLContext, { args, query }: Page): Promise<string[] | null> {
  if (ctx.viewer.rowScope === 'ALL' && !args.filter) return null;
  try {
    const { where, orderBy } = query({ ...args, search: null, orderBy: null }, ctx);
    const found = await ctx.db.customer.findMany({
      where,
      orderBy,
      take: fewMatches,
      select: { id: true },
    });
    return found.length < fewMatches ? idsOf(found) : null;
  } catch (error) {
    // No index serves these conditions without the words.
    if (error instanceof Refused) return null;
    throw error;
  }
}

/** A page of the customers with all these words, by the first of them that few have, or else by the longest. */
async function matching(
  ctx: GraphQLContext,
  words: Beginning[],
  few: string[] | null,
  page: Page,
): Promise<string[]> {
  const begun = (where: object, take?: number) =>
    ctx.db.customerWord.findMany({
      where: { workspaceId: ctx.workspace.id, ...where },
      ...(take && { take }),
      select: { customerId: true },
    });
  const byLength = words.toSorted((a, b) => b.gte.length - a.gte.length);
  let [by] = byLength as [Beginning];
  let among = few;
  if (words.length > 1 && !among) {
    const followed = await Promise.all(
      byLength.map(async (word) => ({ word, rows: await begun({ word }, fewMatches) })),
    );
    const rare = followed.find(({ rows }) => rows.length < fewMatches);
    if (rare) {
      by = rare.word;
      among = [...new Set(customerIdsOf(rare.rows))];
    }
  }
  for (const word of among ? words.filter((one) => one !== by) : []) {
    const both = new Set(customerIdsOf(await begun({ word, customerId: { in: among ?? [] } })));
    among = [...both];
  }
  return matches(ctx, words, by, among, page);
}

/**
 * A page of the customers with a word that begins so, among these if they are known and with the other words otherwise.
 */
async function matches(
  ctx: GraphQLContext,
  words: Beginning[],
  word: Beginning,
  among: string[] | null,
  { args, cursor, take, conditions }: Page,
): Promise<string[]> {
  const others = words.filter((one) => one !== word).map((one) => ({ words: { some: { word: one } } }));
  const customer = and(conditions({ ...args, search: null }, ctx), ...(among ? [] : others));
  const first = firstOf(ctx, word);
  const whose = among ? { customerId: { in: among } } : {};
  const look = async (range: Where, rows: number) =>
    customerIdsOf(
      await ctx.db.customerWord.findMany({
        where: { AND: [first, whose, range], customer },
        orderBy: [{ word: 'asc' }, { customerId: 'desc' }],
        take: rows,
        select: { customerId: true },
      }),
    );
  if (!cursor) return look({}, take);
  const row = await ctx.db.customerWord.findFirst({
    where: { AND: [first, whose, { customerId: cursor }], customer },
  });
  if (!row) return [];
  // First the rest of the cursor's own word, which may be that of a great many, and then the words beyond it.
  const [later, older] = args.after != null ? (['gt', 'lt'] as const) : (['lt', 'gt'] as const);
  const same = await look({ word: row.word, customerId: { [older]: cursor } }, take);
  const missing = Math.abs(take) - same.length;
  const beyond = missing > 0 ? await look({ word: { [later]: row.word } }, Math.sign(take) * missing) : [];
  return args.after != null ? [...same, ...beyond] : [...beyond, ...same];
}
