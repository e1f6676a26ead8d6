import { readFileSync } from 'node:fs';
import { gunzipSync } from 'node:zlib';
import { expect, test } from 'vitest';
import { encodeId } from '../../../src/core/ids.ts';
import { createSegment } from '../../../src/resolvers/segments/createSegment.ts';
import { suggestSegments } from '../../../src/resolvers/segments/suggestSegments.ts';
import { createWorkspace, openTestDatabase } from '../../support/context.ts';
import { type RunningReaders, runReaders } from '../../support/readers.ts';
import { importFile } from '../imports/importing.ts';

const db = await openTestDatabase();
const shipped = (file: string) => readFileSync(new URL(`../../../demo/${file}`, import.meta.url));
const rows = 6_000;

/**
 * The first customers of a real shop. What their scores must be is worked out here from the file, by sorting, and not
 * by what the product has: customer, date, number of discs, dollars.
 */
test('RFM scores of real customers part them as an independent computation does, and the groups leave nobody out', {
  timeout: 300_000,
}, async () => {
  let readers: RunningReaders | null = null;
  const shop = await createWorkspace(db, {
    currency: 'USD',
    with: { committed: async () => readers?.committed() },
  });
  readers = runReaders(db, shop.clock);
  const admin = await shop.asUser('ADMIN');
  const lines = gunzipSync(shipped('cdnow/CDNOW_master.txt.gz'))
    .toString()
    .split('\n')
    .slice(0, rows + 1);
  const mapping = JSON.parse(shipped('cdnow/mapping.json').toString());
  await importFile(admin, `${lines.join('\n')}\n`, mapping);

  const people = new Map<string, { last: string; visits: number; spent: number }>();
  for (const line of lines.slice(1)) {
    const [who, day, , dollars] = line.trim().split(/\s+/) as [string, string, string, string];
    const person = people.get(who) ?? { last: '', visits: 0, spent: 0 };
    if (day > person.last) person.last = day;
    person.visits += 1;
    person.spent += Math.round(Number(dollars) * 100);
    people.set(who, person);
  }
  const all = [...people.values()];
  /** Of the values in their order, those at one, two, three and four fifths; the score is how many are below, and one. */
  const scorer = <T>(values: T[]) => {
    const sorted = values.toSorted((a, b) => (a < b ? -1 : a > b ? 1 : 0));
    const bounds = [1, 2, 3, 4].map((fifth) => sorted[Math.ceil((fifth / 5) * sorted.length) - 1] as T);
    return (value: T) => 1 + bounds.filter((bound) => value > bound).length;
  };
  const recency = scorer(all.map(({ last }) => last));
  const frequency = scorer(all.map(({ visits }) => visits));
  const monetary = scorer(all.map(({ spent }) => spent));

  const ids = new Map<string, number>();
  const score = async (name: string, value: number, expected: number) => {
    const { id } = await createSegment(admin, {
      name: `${name} ${value}`,
      criteria: { field: name, operator: 'equals', value },
    });
    ids.set(id, expected);
  };
  for (const value of [1, 2, 3, 4, 5]) {
    await score('recency_score', value, all.filter(({ last }) => recency(last) === value).length);
    await score('frequency_score', value, all.filter(({ visits }) => frequency(visits) === value).length);
    await score('monetary_score', value, all.filter(({ spent }) => monetary(spent) === value).length);
  }
  const groups: string[] = [];
  for (const { name, criteria } of suggestSegments('USD').filter(({ name }) => name.startsWith('RFM')))
    groups.push((await createSegment(admin, { name, criteria })).id);
  await readers.settled(shop.workspace.id);

  const found = await db.segment.findMany({ where: { workspaceId: shop.workspace.id } });
  const sizes = Object.fromEntries(
    found
      .filter(({ id }) => ids.has(id))
      .map(({ id, name, memberCount }) => [`${name} ${encodeId('Segment', id)}`, memberCount]),
  );
  expect(sizes).toEqual(
    Object.fromEntries(
      found
        .filter(({ id }) => ids.has(id))
        .map(({ id, name }) => [`${name} ${encodeId('Segment', id)}`, ids.get(id)]),
    ),
  );
  expect(all.length).toBeGreaterThan(1_500);
  const inGroups = found
    .filter(({ id }) => groups.includes(id))
    .reduce((sum, { memberCount }) => sum + memberCount, 0);
  expect(inGroups).toBe(all.length);
});
