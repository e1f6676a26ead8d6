import { expect, test } from 'vitest';
import { leavesOf, type Operator, units } from '../../src/conditions/condition.ts';
import { evaluate } from '../../src/conditions/evaluate.ts';
import { activityTypes, type CustomerField, fields, operatorsOf } from '../../src/conditions/fields.ts';
import type { Moment } from '../../src/conditions/moment.ts';
import { parseCondition } from '../../src/conditions/parseCondition.ts';
import { factsSql, toSql } from '../../src/conditions/toSql.ts';
import { encodeId, newId } from '../../src/core/ids.ts';
import { createWorkspace, openTestDatabase } from '../support/context.ts';
import { seeded } from '../support/random.ts';

const db = await openTestDatabase();
const seed = Number(process.env.SEED ?? 20261121);
const { pick, between, chance } = seeded(seed);
const now = new Date('2026-10-25T09:30:00.000Z'); // The day on which clocks go back in Berlin.
const people = 60;
const rounds = 2_500;

const texts = [
  null,
  '',
  'Ada',
  'ada',
  'ADA',
  'Ädä',
  'Σίσυφος',
  'ΣΊΣΥΦΟΣ',
  'İstanbul',
  'istanbul',
  'straße',
  'STRASSE',
  "O'Hara",
  '100%',
  'a_b',
  'a\\b',
  '👩‍🚀',
  'שלום',
  ' x ',
  'DE',
  'de',
];
const int = (below: number) => (below <= 0 ? 0 : between(0, below - 1));
const day = 86_400_000;
const near = (days: number) =>
  new Date(now.getTime() + (int(2 * days * 24) - days * 24) * 3_600_000 + pick([0, 0, 1]));

const shop = await createWorkspace(db, { timeZone: 'Europe/Berlin' });
const workspaceId = shop.workspace.id;
const ids = Array.from({ length: people }, newId);
const staff = [newId(), newId()];
const services = [newId(), newId(), newId()];
const tags = [newId(), newId(), newId()];
const segments = [newId(), newId()];
const users = [newId(), newId()];
await fill();

const moment: Moment = {
  now,
  zone: 'Europe/Berlin',
  currency: 'EUR',
  rfm: {
    recency: [-200, -100, -30, -5].map((days) => now.getTime() + days * day),
    frequency: [0, 1, 1, 2],
    monetary: [0n, 1_000n, 5_000n, 10_000n],
  },
};

test('both evaluators answer the same for thousands of conditions', { timeout: 240_000 }, async () => {
  const met = new Set<string>();
  for (let n = 0; n < rounds; n++) {
    const written = randomCondition(3);
    const { condition, issues } = parseCondition(written, { currency: 'EUR', about: 'CUSTOMER' });
    if (!condition) throw new Error(`${JSON.stringify(written)}: ${JSON.stringify(issues)}`);
    const leaves = [...leavesOf(condition)].map(([leaf]) => leaf);
    const { text, values, sources } = factsSql(leaves, moment, workspaceId, ids);
    const rows = await db.$queryRawUnsafe<Record<string, unknown>[]>(text, ...values);
    const inMemory = rows
      .filter((row) =>
        evaluate(condition, new Map(sources.map((source, at) => [source, row[`f${at}`]])), moment),
      )
      .map(({ id }) => id as string);
    const all = toSql(condition, moment, workspaceId);
    const some = toSql(condition, moment, workspaceId, ids.slice(0, 20));
    const inSql = await db.$queryRawUnsafe<{ id: string }[]>(all.text, ...all.values);
    const among = await db.$queryRawUnsafe<{ id: string }[]>(some.text, ...some.values);
    const sorted = inSql.map(({ id }) => id).sort();
    expect(inMemory.sort(), `seed ${seed}, round ${n}: ${JSON.stringify(condition)}\n${all.text}`).toEqual(
      sorted,
    );
    expect(among.map(({ id }) => id).sort()).toEqual(sorted.filter((id) => ids.slice(0, 20).includes(id)));
    if (sorted.length > 0 && sorted.length < people)
      for (const leaf of leaves) met.add(`${leaf.field} ${leaf.operator}`);
  }
  // The test means something only if conditions divide the customers, by each field.
  const known = [...fields.values()].filter(({ about }) => about === 'CUSTOMER').map(({ name }) => name);
  expect(known.filter((name) => ![...met].some((pair) => pair.startsWith(`${name} `)))).toEqual([]);
});

test('a condition that was parsed is parsed again to the same', () => {
  for (let n = 0; n < 500; n++) {
    const { condition } = parseCondition(randomCondition(3), { currency: 'EUR', about: 'CUSTOMER' });
    expect(
      parseCondition(JSON.parse(JSON.stringify(condition)), { currency: 'USD', about: 'CUSTOMER' }).condition,
    ).toEqual(condition);
  }
});

function randomCondition(depth: number): unknown {
  if (depth > 0 && chance(0.4)) {
    const conditions = Array.from({ length: 1 + int(3) }, () => randomCondition(depth - 1));
    return { match: pick(['all', 'any']), conditions };
  }
  if (depth > 0 && chance(0.15)) return { not: randomCondition(depth - 1) };
  const field = pick([...fields.values()].filter((one): one is CustomerField => one.about === 'CUSTOMER'));
  const operator = pick(operatorsOf[field.kind]);
  const where = field.narrowedBy && chance(0.7) ? randomWhere(field) : undefined;
  return { field: field.name, operator, ...(where && { where }), ...randomValue(field, operator) };
}

function randomValue(field: CustomerField, operator: Operator): { value?: unknown } {
  if (operator === 'is_set' || operator === 'is_not_set') return {};
  if (operator === 'between') {
    const pair = [one(field), one(field)];
    if (field.kind === 'number') pair.sort((a, b) => Number(a) - Number(b));
    if (field.kind === 'money')
      pair.sort(
        (a, b) => Number((a as { amount: string }).amount) - Number((b as { amount: string }).amount),
      );
    if (field.kind === 'money')
      (pair[1] as { currency: string }).currency = (pair[0] as { currency: string }).currency;
    if (field.kind === 'date' || field.kind === 'datetime')
      return {
        value: [
          { ago: 100, unit: 'days' },
          { ago: int(50), unit: 'days' },
        ],
      };
    return { value: pair };
  }
  if (operator.endsWith('in_list')) return { value: Array.from({ length: 1 + int(3) }, () => one(field)) };
  return { value: one(field) };
}

function one(field: CustomerField): unknown {
  switch (field.kind) {
    case 'text': {
      const text = pick(texts.filter((value): value is string => Boolean(value?.trim())));
      return chance(0.3) ? [...text].slice(0, 2).join('').trim() || 'x' : text;
    }
    case 'number':
      return pick([0, 1, 2, 3, 5, 2.5, -1, 30, 55]);
    case 'boolean':
      return chance(0.5);
    case 'enum':
      return pick(field.values ?? []);
    case 'reference':
      return encodeId(field.refersTo as never, pick(users));
    case 'list':
      return field.refersTo === 'Tag' ? encodeId('Tag', pick(tags)) : encodeId('Segment', pick(segments));
    case 'money':
      return { amount: pick(['0', '10', '12.50', '100']), currency: pick(['EUR', 'EUR', 'USD']) };
    case 'date':
      return pick([{ ago: pick([18, 30, 40]), unit: 'years' }, '1990-06-15', '2000-01-01']);
    case 'datetime':
      return pick([
        { ago: int(100), unit: pick(units.filter((unit) => unit !== 'years')) },
        { ahead: int(30), unit: 'days' },
        near(100).toISOString(),
        near(100).toISOString().slice(0, 10),
      ]);
  }
}

function randomWhere(field: CustomerField): Record<string, unknown> {
  const where: Record<string, unknown> = {};
  const may = (key: string, value: () => unknown) => {
    if (field.narrowedBy?.includes(key as never) && chance(0.5)) where[key] = value();
  };
  may('service', () => [encodeId('Service', pick(services))]);
  may('staff_member', () => encodeId('StaffMember', pick(staff)));
  may('status', () => pick(['COMPLETED', ['CANCELLED', 'NO_SHOW'], 'CONFIRMED', 'PENDING']));
  may('method', () => pick(['CARD', 'CASH']));
  may('type', () => pick([pick(activityTypes), ['email.opened', 'booking.created']]));
  may('within', () =>
    pick([
      { last: int(120), unit: 'days' },
      { next: int(60), unit: 'days' },
      { last: 3, unit: 'months' },
      { from: '2026-09-01' },
      { from: '2026-08-01', until: '2026-10-25' },
    ]),
  );
  return where;
}

async function fill(): Promise<void> {
  const at = { createdAt: now, updatedAt: now };
  await db.user.createMany({
    data: users.map((id, n) => ({
      id,
      workspaceId,
      email: `u${n}@x.de`,
      displayName: 'u',
      role: 'STAFF' as const,
      ...at,
    })),
  });
  // Owner and team share the ids here, so that one list of values serves both.
  await db.team.createMany({ data: users.map((id, n) => ({ id, workspaceId, name: `t${n}` })) });
  await db.staffMember.createMany({
    data: staff.map((id) => ({ id, workspaceId, displayName: 's', timeZone: 'UTC', ...at })),
  });
  await db.service.createMany({
    data: services.map((id, n) => ({
      id,
      workspaceId,
      name: `v${n}`,
      durationMinutes: 30,
      priceMinor: 1000n,
      currency: 'EUR',
      ...at,
    })),
  });
  await db.tag.createMany({
    data: tags.map((id, n) => ({ id, workspaceId, name: `g${n}`, slug: `g${n}`, ...at })),
  });
  await db.segment.createMany({
    data: segments.map((id, n) => ({ id, workspaceId, name: `q${n}`, kind: 'STATIC' as const, ...at })),
  });
  const maybe = <T>(value: T) => (chance(0.6) ? value : null);
  await db.customer.createMany({
    data: ids.map((id, n) => ({
      id,
      workspaceId,
      ...at,
      firstName: pick(texts),
      lastName: pick(texts),
      email: maybe(`${n}-${pick(['ada', 'äb', 'x'])}@example.com`),
      phone: n % 3 === 0 ? `+4930${1_000_000 + n}` : null,
      companyName: pick(texts),
      jobTitle: pick(texts),
      website: pick(texts),
      country: pick([null, 'DE', 'AT']),
      language: pick([null, 'de-AT', 'en']),
      timeZone: pick([null, 'Europe/Berlin']),
      referralSource: pick(texts),
      source: pick(texts),
      sortName: 'x',
      searchText: ' x',
      bornOn: pick([
        null,
        new Date('1990-06-15'),
        new Date('2008-10-25'),
        new Date('2008-10-26'),
        new Date('1996-02-29'),
      ]),
      createdAt: near(100),
      status: pick(['ACTIVE', 'ARCHIVED', 'BLOCKED'] as const),
      lifecycleStage: pick(['NEW', 'LEAD', 'LOYAL'] as const),
      vip: chance(0.5),
      doNotContact: chance(0.2),
      ownerId: maybe(pick(users)),
      teamId: maybe(pick(users)),
      leadScore: pick([-10, 0, 3, 30, 55, 80]),
      leadGrade: pick(['COLD', 'WARM', 'HOT', 'QUALIFIED'] as const),
    })),
  });
  for (const customerId of ids) {
    await db.customerTag.createMany({
      data: tags.filter(() => chance(0.4)).map((tagId) => ({ workspaceId, customerId, tagId })),
    });
    await db.segmentMember.createMany({
      data: segments
        .filter(() => chance(0.4))
        .map((segmentId) => ({ workspaceId, customerId, segmentId, joinedAt: now, customerCreatedAt: now })),
    });
    for (let n = int(5); n > 0; n--) {
      const startsAt = near(120);
      const endsAt = new Date(startsAt.getTime() + 1);
      await db.booking.create({
        data: {
          id: newId(),
          workspaceId,
          reference: newId(),
          customerId,
          serviceId: pick(services),
          staffMemberId: null,
          status: pick(['PENDING', 'CONFIRMED', 'CANCELLED', 'COMPLETED', 'COMPLETED', 'NO_SHOW'] as const),
          startsAt,
          endsAt,
          blockedFrom: startsAt,
          blockedUntil: endsAt,
          timeZone: 'UTC',
          priceMinor: 1000n,
          currency: 'EUR',
          ...at,
        },
      });
    }
    for (let n = int(4); n > 0; n--)
      await db.payment.create({
        data: {
          id: newId(),
          workspaceId,
          customerId,
          amountMinor: BigInt(pick([0, 1000, 1250, 9000])),
          refundedMinor: 0n,
          currency: pick(['EUR', 'EUR', 'USD']),
          method: pick(['CARD', 'CASH'] as const),
          status: 'SUCCEEDED',
          paidAt: near(120),
          ...at,
        },
      });
    for (let n = int(4); n > 0; n--)
      await db.$executeRaw`INSERT INTO event (workspace_id, position, id, type, version, occurred_at, recorded_at, actor_kind, origin, customer_id, subject_type, subject_id, data)
        VALUES (${workspaceId}::uuid, ${BigInt(int(1e12))}, ${newId()}::uuid, ${pick([...activityTypes, 'email.opened', 'email.opened', 'email.opened'])}, 1, ${near(120)}, ${now}, 'SYSTEM', 'LIVE',
          ${customerId}::uuid, 'Customer', ${customerId}::uuid, '{}')`;
  }
}
